"""The cluster bootstrap behind every interval of an evaluation.

Sentences of an answer, and answers about a topic, stand or fall together, so topics (or
questions) are resampled with replacement, not sentences. The spread between topics as we see it
contains the randomness of sampling answers, so the interval covers both. It is the expanded
percentile interval (Hesterberg 2015, "What Teachers Should Know about the Bootstrap", arXiv
1411.5279), which corrects that the plain one is too narrow for few topics; with fewer than five
topics no resampling helps. The Mask-DPO paper reports no intervals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Bootstrap:
    """How to resample: number of resamples, seed, and level of the interval (0.95 is 95 %)."""

    resamples: int = 10_000
    seed: int = 0
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.resamples < 1 or not 0 < self.level < 1:
            raise ValueError(f'needs resamples >= 1 and 0 < level < 1: {self}')

    def weights(self, clusters: int) -> NDArray[np.int64]:
        """Draw how often each cluster counts, (resamples, clusters); the seed decides."""
        return _weights(self.resamples, self.seed, clusters)


@lru_cache(maxsize=2)
def _weights(resamples: int, seed: int, clusters: int) -> NDArray[np.int64]:
    """Drawn once for all metrics and models of an evaluation, which share them."""
    share = np.full(clusters, 1 / clusters)
    weights = np.random.default_rng(seed).multinomial(clusters, share, size=resamples)
    weights.setflags(write=False)
    return weights


@dataclass(frozen=True)
class Interval:
    """Both ends, in the unit of what it is an interval of."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    The number is None where it cannot be computed, the interval also for one cluster alone.
    """

    value: float | None
    interval: Interval | None


def estimate(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    clusters: int,
    bootstrap: Bootstrap,
) -> Estimate:
    """Compute a statistic of all clusters, and its interval from resampled ones.

    Args:
        statistic: (samples, clusters), how often each cluster counts, to (samples,); NaN where it
            cannot be computed.
        clusters: how many there are.
        bootstrap: of the interval.
    """
    value = float(statistic(np.ones((1, clusters)))[0])
    if np.isnan(value):
        return Estimate(None, None)
    if clusters < 2:
        return Estimate(value, None)
    resampled = statistic(bootstrap.weights(clusters).astype(float))
    return Estimate(value, expanded_percentiles(resampled, clusters, bootstrap.level))


def expanded_percentiles(
    values: NDArray[np.float64], clusters: int, level: float
) -> Interval | None:
    """Interval between the tails of the values; resamples with nothing judged are left out."""
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    tail = tail_share(clusters, level)
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def tail_share(clusters: int, level: float) -> float:
    """Give the share of resamples beyond each end of the interval: Phi(-t sqrt(n / (n - 1))).

    n clusters give the quantile t of Student's distribution with n - 1 degrees of freedom, and
    the factor that the variance of a resample lacks. For many clusters it is (1 - level) / 2.
    """
    quantile = stats.t.ppf((1 + level) / 2, clusters - 1)
    return float(stats.norm.cdf(-quantile * math.sqrt(clusters / (clusters - 1))))
