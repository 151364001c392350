"""Win rates with intervals, and what stands beside them: lengths, places, what was not decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Estimate, estimate
from maskdpo_xtuner.evaluation.metrics import PERCENT
from maskdpo_xtuner.evaluation.preference.length_control import length_controlled
from maskdpo_xtuner.evaluation.preference.outcomes import OUTCOMES, WORTH, Preference
from maskdpo_xtuner.evaluation.ratios import Part, tally
from maskdpo_xtuner.records import Record

RESAMPLES = Bootstrap(resamples=1000)
"""Of the length-controlled rate: each one is fitted anew."""


class CriterionResult(Record):
    """How often a model is preferred to the baseline by one criterion.

    Attributes:
        criterion: its name.
        counts: pairs of responses by outcome.
        win_rate: wins, and half of all that is neither win nor loss, among the pairs with two
            verdicts or equal texts; in percent, as the next two.
        decided: wins among wins and losses: pairs on which the judge said the same in both orders.
        length_controlled: the win rate at equal lengths.
        first_place: how often a single verdict that is no tie was for the response in the first
            place; 50 for a judge without a preference for a place.
        baseline_length: mean characters of the baseline's responses.
        length: mean characters of the other's.
    """

    criterion: str
    counts: dict[str, int]
    win_rate: Estimate
    decided: Estimate
    length_controlled: Estimate
    first_place: float | None
    baseline_length: float
    length: float

    @property
    def without_verdict(self) -> float:
        """Share of the pairs that are in no rate."""
        lost = sum(n for outcome, n in self.counts.items() if outcome not in WORTH)
        return lost / sum(self.counts.values())


class PreferenceResult(Record):
    """What a judge prefers.

    Attributes:
        baseline: name of the model before.
        model: name of the one whose wins count.
        judge: what determined its verdicts.
        left_out: responses of either model that have none of the other's beside them.
        criteria: what was found by each.
    """

    baseline: str
    model: str
    judge: dict[str, str]
    left_out: int = 0
    criteria: tuple[CriterionResult, ...]


def summarize(
    criterion: str,
    preferences: Sequence[Preference],
    cluster_of: Mapping[str, str],
    bootstrap: Bootstrap | None = None,
) -> CriterionResult:
    """Sum up one criterion.

    Args:
        criterion: its name.
        preferences: of all pairs of responses by it.
        cluster_of: question id -> what is resampled: its topic.
        bootstrap: of the intervals.
    """
    bootstrap = bootstrap or Bootstrap()
    counts = Counter(each.outcome for each in preferences)
    judged = [each for each in preferences if each.outcome in WORTH]

    def rate(within: Callable[[Preference], bool]) -> Estimate:
        parts = [Part(p.question_id, 0, WORTH[p.outcome], 1.0) for p in judged if within(p)]
        sums = tally(parts, cluster_of, PERCENT)
        return Estimate(sums.value(), sums.interval(bootstrap))

    return CriterionResult(
        criterion=criterion,
        counts={outcome: counts[outcome] for outcome in OUTCOMES},
        win_rate=rate(lambda p: True),
        decided=rate(lambda p: p.outcome in ('win', 'loss')),
        length_controlled=_controlled(judged, cluster_of),
        first_place=_first_place(preferences),
        baseline_length=fmean(each.baseline_length for each in preferences),
        length=fmean(each.length for each in preferences),
    )


def _controlled(judged: Sequence[Preference], cluster_of: Mapping[str, str]) -> Estimate:
    """Give the length-controlled rate in percent."""
    if not judged:
        return Estimate(None, None)
    clusters = sorted(set(cluster_of.values()))
    place = np.array([clusters.index(cluster_of[each.question_id]) for each in judged])
    worth = np.array([WORTH[each.outcome] for each in judged])
    differences = np.array([each.length - each.baseline_length for each in judged], dtype=float)

    def rates(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return 100 * length_controlled(worth, differences, weights[:, place])

    return estimate(rates, len(clusters), RESAMPLES)


def _first_place(preferences: Sequence[Preference]) -> float | None:
    said = Counter(
        choice for each in preferences for choice in (each.baseline_first, each.baseline_second)
    )
    total = said['first'] + said['second']
    return 100 * said['first'] / total if total else None
