"""Intervals of scores and of score differences by a cluster bootstrap.

Sentences of an answer, and answers about a topic, stand or fall together, so topics (or
questions) are resampled with replacement, not sentences. The spread between topics as we see it
contains the randomness of sampling answers, so the interval covers both. It is the expanded
percentile interval (Hesterberg 2015, "What Teachers Should Know about the Bootstrap", arXiv
1411.5279), which corrects that the plain one is too narrow for few topics; with fewer than five
topics no resampling helps. The Mask-DPO paper reports no intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from maskdpo_xtuner.evaluation.metrics import count_response
from maskdpo_xtuner.records import AnnotatedResponse

Verdict = Literal['better', 'worse', 'within noise', 'unknown']


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
        """How often each cluster is drawn, (resamples, clusters); the same for the same seed."""
        share = np.full(clusters, 1 / clusters)
        return np.random.default_rng(self.seed).multinomial(clusters, share, size=self.resamples)


@dataclass(frozen=True)
class Interval:
    """Both ends, in percentage points."""

    low: float
    high: float


@dataclass(frozen=True)
class Tally:
    """Sentence counts of one model by cluster and run.

    Attributes:
        clusters: names of the clusters, sorted.
        correct: hallucination-free sentences, (clusters, runs).
        incorrect: hallucinated sentences, (clusters, runs).
    """

    clusters: tuple[str, ...]
    correct: NDArray[np.int64]
    incorrect: NDArray[np.int64]

    def scores(self, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pooled score of every row of ``weights`` (rows, clusters), averaged over runs: (rows,).

        A run of a row in which nothing was judged has no score and is left out of the mean; a
        row without any score is NaN.
        """
        correct, incorrect = weights @ self.correct, weights @ self.incorrect
        judged = correct + incorrect
        by_run = 100 * correct / np.where(judged > 0, judged, 1)
        runs = (judged > 0).sum(axis=1)
        mean: NDArray[np.float64] = by_run.sum(axis=1) / np.where(runs > 0, runs, np.nan)
        return mean


@dataclass(frozen=True)
class Difference:
    """Score of one model minus that of another on the same questions, in percentage points.

    ``verdict`` is ``within noise`` when the interval contains 0, and ``unknown`` when there is
    no interval: a single cluster, or nothing judged.
    """

    points: float | None
    interval: Interval | None
    verdict: Verdict


def tally(responses: Iterable[AnnotatedResponse], cluster_of: Mapping[str, str]) -> Tally:
    """Arrange the sentence counts of one model by cluster and run.

    Args:
        responses: its annotated answers; run r is made of those with ``sample_index`` r.
        cluster_of: question id -> cluster (the topic, or the question itself).

    Raises:
        ValueError: for an answer to a question that ``cluster_of`` does not have.
    """
    responses = list(responses)
    unknown = {r.question_id for r in responses} - cluster_of.keys()
    if unknown:
        raise ValueError(f'there is an answer to {min(unknown)}, which is not among the questions')
    clusters = tuple(sorted({cluster_of[r.question_id] for r in responses}))
    row = {name: index for index, name in enumerate(clusters)}
    column = {run: index for index, run in enumerate(sorted({r.sample_index for r in responses}))}
    correct = np.zeros((len(row), len(column)), dtype=np.int64)
    incorrect = np.zeros_like(correct)
    for response in responses:
        place = row[cluster_of[response.question_id]], column[response.sample_index]
        counts = count_response(response)
        correct[place] += counts.correct
        incorrect[place] += counts.incorrect
    return Tally(clusters, correct, incorrect)


def score_interval(model: Tally, bootstrap: Bootstrap) -> Interval | None:
    """Interval of the model's score; None for fewer than two clusters or nothing judged."""
    if len(model.clusters) < 2:
        return None
    scores = model.scores(bootstrap.weights(len(model.clusters)))
    return expanded_percentiles(scores, len(model.clusters), bootstrap.level)


def score_difference(model: Tally, baseline: Tally, bootstrap: Bootstrap) -> Difference:
    """Compare two models cluster by cluster: both are scored on the same resampled clusters.

    Raises:
        ValueError: when the two have not answered questions of the same clusters.
    """
    if model.clusters != baseline.clusters:
        odd = sorted(set(model.clusters) ^ set(baseline.clusters))
        raise ValueError(f'only one of the two models has answers for {", ".join(odd[:5])}')
    whole = np.ones((1, len(model.clusters)), dtype=np.int64)
    points = float((model.scores(whole) - baseline.scores(whole))[0])
    if np.isnan(points):
        return Difference(None, None, 'unknown')
    interval = None
    if len(model.clusters) > 1:
        weights = bootstrap.weights(len(model.clusters))
        differences = model.scores(weights) - baseline.scores(weights)
        interval = expanded_percentiles(differences, len(model.clusters), bootstrap.level)
    return Difference(points, interval, _verdict(interval))


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
    """Share of resamples beyond each end of the interval: Phi(-t sqrt(n / (n - 1))).

    n clusters give the quantile t of Student's distribution with n - 1 degrees of freedom, and
    the factor that the variance of a resample lacks. For many clusters it is (1 - level) / 2.
    """
    quantile = stats.t.ppf((1 + level) / 2, clusters - 1)
    return float(stats.norm.cdf(-quantile * math.sqrt(clusters / (clusters - 1))))


def _verdict(interval: Interval | None) -> Verdict:
    if interval is None:
        return 'unknown'
    if interval.low > 0:
        return 'better'
    return 'worse' if interval.high < 0 else 'within noise'
