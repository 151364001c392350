"""Whether judges put models, or responses, into the same order: Spearman's and Kendall's.

Spearman 1904: the correlation of ranks, ties sharing the mean of theirs. Kendall's tau-b (1945):
pairs in the same order minus pairs in the opposite one, over the geometric mean of the pairs that
each judge does not tie. The scores of the paper's Table 1 by its three columns give Spearman 0.945
(ANAH-v2 and FActScore on ANAH), 0.927 and 0.964 (each of these and FActScore on Biography).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval, expanded_percentiles
from maskdpo_xtuner.evaluation.verdict import format_value
from maskdpo_xtuner.records import Record

RESAMPLES = Bootstrap(resamples=1000)
"""Fewer than elsewhere: each one is ranked anew."""

Scores = Mapping[str, float | None]
"""Item (a model, a response) -> the score that a judge gave it; None where it gave none."""


class RankAgreement(Record):
    """The orders of two judges.

    Attributes:
        judges: names of the two.
        items: what both scored.
        left_out: what one of them alone scored.
        unscored: what neither scored.
        spearman: rho; None for fewer than two items, or a judge that scores all alike.
        kendall: tau-b; None likewise.
        spearman_interval: from resampled clusters; None for one cluster alone, and for orders that
            are the same, or opposite, throughout: no resample of them is anything else, however few
            they are.
        kendall_interval: likewise.
    """

    judges: tuple[str, str]
    items: int
    left_out: int
    unscored: int
    spearman: float | None
    kendall: float | None
    spearman_interval: Interval | None = None
    kendall_interval: Interval | None = None


def rank_agreements(
    scores: Mapping[str, Scores],
    cluster_of: Mapping[str, str] | None = None,
    bootstrap: Bootstrap = RESAMPLES,
) -> tuple[RankAgreement, ...]:
    """Compare the orders of every two judges.

    Args:
        scores: judge -> its scores.
        cluster_of: item -> what is resampled (a topic, a question); None for the items themselves.
        bootstrap: of the intervals.

    Raises:
        ValueError: for fewer than two judges.
    """
    if len(scores) < 2:
        raise ValueError(f'an order is compared with another one: there is {len(scores)} judge')
    return tuple(
        _compare((one, other), scores[one], scores[other], cluster_of, bootstrap)
        for one, other in combinations(scores, 2)
    )


def _compare(
    judges: tuple[str, str],
    first: Scores,
    second: Scores,
    cluster_of: Mapping[str, str] | None,
    bootstrap: Bootstrap,
) -> RankAgreement:
    scores = {item: (first.get(item), second.get(item)) for item in {**first, **second}}
    items = [item for item, pair in scores.items() if None not in pair]
    both = np.array([scores[item] for item in items], dtype=float).reshape(-1, 2)
    spearman, kendall = coefficients(both)
    unscored = sum(pair == (None, None) for pair in scores.values())
    found = RankAgreement(
        judges=judges,
        items=len(items),
        left_out=len(scores) - len(items) - unscored,
        unscored=unscored,
        spearman=spearman,
        kendall=kendall,
    )
    clusters = [cluster_of[item] if cluster_of else item for item in items]
    if spearman is None or len(set(clusters)) < 2:
        return found
    intervals = _intervals(both, clusters, bootstrap)
    return found.model_copy(
        update={'spearman_interval': intervals[0], 'kendall_interval': intervals[1]}
    )


def coefficients(both: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Spearman's rho and Kendall's tau-b of (items, 2) scores; None where there is no order."""
    if len(both) < 2 or (both == both[0]).all(axis=0).any():
        return None, None
    first, second = both.T
    spearman, kendall = stats.spearmanr(first, second), stats.kendalltau(first, second)
    return float(spearman.statistic), float(kendall.statistic)


def _intervals(
    both: NDArray[np.float64], clusters: Sequence[str], bootstrap: Bootstrap
) -> list[Interval | None]:
    names = {name: index for index, name in enumerate(sorted(set(clusters)))}
    place = np.array([names[cluster] for cluster in clusters])
    values = [
        coefficients(np.repeat(both, times[place], axis=0))
        for times in bootstrap.weights(len(names))
    ]
    columns = np.array(values, dtype=float).T  # None becomes NaN
    return [_interval(column[~np.isnan(column)], len(names), bootstrap.level) for column in columns]


def _interval(values: NDArray[np.float64], clusters: int, level: float) -> Interval | None:
    """Give what the resamples span; nothing where they are all alike."""
    if not len(values) or np.ptp(values) < 1e-9:
        return None
    return expanded_percentiles(values, clusters, level)


def rank_rows(agreements: Sequence[RankAgreement]) -> list[dict[str, str]]:
    """Give a row for every two judges, for a terminal."""
    return [
        {
            'judges': ' and '.join(found.judges),
            'items': str(found.items),
            'by one alone': str(found.left_out),
            'by neither': str(found.unscored),
            'Spearman': format_value(found.spearman, found.spearman_interval, 3),
            'Kendall tau-b': format_value(found.kendall, found.kendall_interval, 3),
        }
        for found in agreements
    ]
