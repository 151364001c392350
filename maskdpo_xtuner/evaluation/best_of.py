"""Score and precision of the best of N answers (Mask-DPO, Table 6), for every N there is.

From K answers to a question the expected score of the best of N is estimated over all subsets of N
answers at once, in closed form: the answer of rank i (0 is the worst) is the best of
C(i, N - 1) of the C(K, N) subsets. This is unbiased for the expected best of N fresh answers, and
uses all K answers for every N where one draw of N would use N; the estimator is that of pass@k
(Chen et al. 2021, arXiv 2107.03374, section 2.1) for scores instead of successes.

This is selection by the judge that scores: it says how much there is to choose from, and not what
a model gains that cannot ask its judge. Beside it stand the totals of what is chosen, as in the
paper's other tables. A mean over questions of shares and a share of the totals differ: short
answers weigh more in the first. The paper does not say which its row is; it is one draw.

The precision of the best of N is the same of an answer's precision, in percent of its checkable
units. An answer that says nothing checkable loses against any that does, so silence is never the
best; N answers that all say nothing checkable have no precision and are left out of the mean.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.counts import Counts, count_response
from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval
from maskdpo_xtuner.evaluation.ratios import Tally
from maskdpo_xtuner.records import AnnotatedResponse


@dataclass(frozen=True)
class BestOf:
    """What is expected of the best of ``count`` answers, chosen by the judge that scores them.

    The best is chosen by what is shown: for the first four by the score, for the others by the
    precision. None where nothing was judged, or nothing checkable.

    Attributes:
        count: of how many the best is taken.
        score: mean over questions of the best answer's score, in percent.
        interval: of the score.
        correct: correct units of the chosen answers, over the set.
        incorrect: incorrect ones.
        precision: mean over questions of the best answer's precision, in percent.
        precision_interval: of the precision.
        pooled_precision: supported in percent of checkable units of the chosen answers.
    """

    count: int
    score: float | None
    interval: Interval | None
    correct: float
    incorrect: float
    precision: float | None
    precision_interval: Interval | None
    pooled_precision: float | None

    @property
    def pooled_score(self) -> float | None:
        """The score of the totals, as in the paper's other tables."""
        return _percent(self.correct, self.correct + self.incorrect)


@dataclass(frozen=True)
class _Ranked:
    """The answers to every question, the worst first; (questions, answers) each.

    Attributes:
        values: what they are ranked by; -inf for none, which loses against whatever has one.
        good: units that speak for them; answers of equal value share theirs.
        judged: units that were judged.
        member: (clusters, questions), 1 where the question belongs to the cluster.
    """

    values: NDArray[np.float64]
    good: NDArray[np.float64]
    judged: NDArray[np.float64]
    member: NDArray[np.float64]


def best_of_curve(
    trainings: Sequence[Sequence[AnnotatedResponse]],
    cluster_of: Mapping[str, str],
    bootstrap: Bootstrap,
) -> tuple[BestOf, ...]:
    """Give what is expected of the best of N = 1, 2, 4, ... up to the answers that a question has.

    Args:
        trainings: one model's annotated answers, of each of its trainings.
        cluster_of: question id -> cluster (the topic, or the question itself).
        bootstrap: of the intervals, over clusters.
    """
    found: dict[tuple[int, str], list[Counts]] = defaultdict(list)
    for training, responses in enumerate(trainings):
        for response in responses:
            found[training, response.question_id].append(count_response(response))
    scores = _ranked(found, cluster_of, lambda c: c.score, lambda c: (c.correct, c.incorrect))
    precisions = _ranked(
        found, cluster_of, lambda c: c.precision, lambda c: (c.supported, c.incorrect)
    )
    return tuple(
        _point(2**power, scores, precisions, bootstrap, len(trainings))
        for power in range(scores.values.shape[1].bit_length())
    )


def _point(
    count: int, scores: _Ranked, precisions: _Ranked, bootstrap: Bootstrap, trainings: int
) -> BestOf:
    correct, judged = (total / trainings for total in _totals(count, scores))
    return BestOf(
        count,
        *_mean_best(count, scores, bootstrap),
        correct,
        judged - correct,
        *_mean_best(count, precisions, bootstrap),
        _percent(*_totals(count, precisions)),
    )


def _ranked(
    found: Mapping[tuple[int, str], Sequence[Counts]],
    cluster_of: Mapping[str, str],
    value: Callable[[Counts], float | None],
    units: Callable[[Counts], tuple[int, int]],
) -> _Ranked:
    """Rank by a value; a question with fewer answers than others has some without a value."""
    questions = [question_id for _, question_id in found]
    shape = len(found), max(map(len, found.values()))
    values, good, judged = np.full(shape, -math.inf), np.zeros(shape), np.zeros(shape)
    for row, counts in enumerate(found.values()):
        own = np.array([-math.inf if (v := value(c)) is None else v for c in counts])
        right, wrong = np.array([units(c) for c in counts], dtype=float).T
        first = shape[1] - len(own)
        values[row, first:] = np.sort(own)
        good[row, first:] = _shared_by_equals(own, right)
        judged[row, first:] = _shared_by_equals(own, right + wrong)
    clusters = sorted({cluster_of[question_id] for question_id in questions})
    member = np.array([[float(cluster_of[q] == c) for q in questions] for c in clusters])
    return _Ranked(values, good, judged, member)


def _shared_by_equals(
    values: NDArray[np.float64], units: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Units in the order of the values, each the mean of those with its value: any may be best."""
    _, group, times = np.unique(values, return_inverse=True, return_counts=True)
    mean = np.bincount(group, weights=units) / times
    shared: NDArray[np.float64] = mean[np.sort(group)]
    return shared


def _mean_best(
    count: int, ranked: _Ranked, bootstrap: Bootstrap
) -> tuple[float | None, Interval | None]:
    """Mean over questions of the best value, with its interval over clusters."""
    best = expected_best(ranked.values, count)
    there = ~np.isnan(best)
    sums = Tally(
        tuple(map(str, range(len(ranked.member)))),
        (ranked.member @ np.where(there, best, 0.0))[:, None],
        (ranked.member @ there.astype(float))[:, None],
    )
    return sums.value(), sums.interval(bootstrap)


def _totals(count: int, ranked: _Ranked) -> tuple[float, float]:
    """Good and judged units of the best answers, over all questions; nothing where none is."""
    share = _shares(ranked.values.shape[1], count) * np.isfinite(ranked.values)
    return float((ranked.good * share).sum()), float((ranked.judged * share).sum())


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def _shares(total: int, count: int) -> NDArray[np.float64]:
    """Give the share of the subsets of ``count`` answers in which each rank is the best."""
    subsets = math.comb(total, count)
    return np.array([math.comb(rank, count - 1) / subsets for rank in range(total)])


def expected_best(scores: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Mean over all subsets of ``count`` answers of the best score in it, for each question.

    Args:
        scores: (questions, answers), ascending; -inf for an answer without a score.
        count: size of the subsets, at most the number of answers.

    Returns:
        (questions,); subsets without any score are left out of the mean, NaN where all are.
    """
    share = _shares(scores.shape[1], count)
    scored = np.isfinite(scores)
    weight = scored @ share
    total = np.where(scored, scores, 0.0) @ share
    mean: NDArray[np.float64] = total / np.where(weight > 0, weight, np.nan)
    return mean
