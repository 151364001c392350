"""Score and precision of the best of N answers (Mask-DPO, Table 6), for every N there is.

From K answers to a question the expected score of the best of N is estimated over all subsets of N
answers at once, in closed form: the answer of rank i (0 is the worst) is the best of
C(i, N - 1) of the C(K, N) subsets. This is unbiased for the expected best of N fresh answers, and
uses all K answers for every N where one draw of N would use N; the estimator is that of pass@k
(Chen et al. 2021, arXiv 2107.03374, section 2.1) for scores instead of successes.

Where we deviate: the score of a set is the mean over questions of the best answer's score, each in
percent of its judged sentences; the paper does not say how it is pooled, and its row is one draw.

The precision of the best of N is the same of an answer's precision, in percent of its checkable
sentences. An answer that says nothing checkable loses against any that does, so silence is never
the best; N answers that all say nothing checkable have no precision and are left out of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval
from maskdpo_xtuner.evaluation.metrics import Counts, count_response
from maskdpo_xtuner.evaluation.ratios import Tally
from maskdpo_xtuner.records import AnnotatedResponse


@dataclass(frozen=True)
class BestOf:
    """Expected score and expected precision of the best of ``count`` answers, in percent.

    The best is chosen by what is shown: for ``score`` by the score, for ``precision`` by that.
    None where nothing was judged, or nothing checkable.
    """

    count: int
    score: float | None
    interval: Interval | None
    precision: float | None
    precision_interval: Interval | None


def best_of_curve(
    responses: Sequence[AnnotatedResponse], cluster_of: Mapping[str, str], bootstrap: Bootstrap
) -> tuple[BestOf, ...]:
    """Expected best scores and precisions for N = 1, 2, 4, ... up to the answers a question has.

    Args:
        responses: one model's annotated answers, as many to each question.
        cluster_of: question id -> cluster (the topic, or the question itself).
        bootstrap: of the intervals, over clusters.
    """
    questions = sorted({response.question_id for response in responses})
    clusters = sorted({cluster_of[question_id] for question_id in questions})
    member = np.array([[float(cluster_of[q] == c) for q in questions] for c in clusters])
    scores = _by_question(responses, questions, lambda counts: counts.score)
    precisions = _by_question(responses, questions, lambda counts: counts.precision)
    return tuple(
        BestOf(
            2**power,
            *_mean_best(2**power, scores, member, bootstrap),
            *_mean_best(2**power, precisions, member, bootstrap),
        )
        for power in range(scores.shape[1].bit_length())
    )


def _by_question(
    responses: Sequence[AnnotatedResponse],
    questions: Sequence[str],
    value: Callable[[Counts], float | None],
) -> NDArray[np.float64]:
    """The values of the answers, (questions, answers), ascending; -inf for none.

    What has no value loses against whatever has one.
    """
    values: dict[str, list[float]] = {question_id: [] for question_id in questions}
    for response in responses:
        found = value(count_response(response))
        values[response.question_id].append(-math.inf if found is None else found)
    return np.sort(np.array(list(values.values())), axis=1)


def _mean_best(
    count: int, values: NDArray[np.float64], member: NDArray[np.float64], bootstrap: Bootstrap
) -> tuple[float | None, Interval | None]:
    """One point, from ascending values (questions, answers) and (clusters, questions)."""
    best = expected_best(values, count)
    there = ~np.isnan(best)
    names = tuple(map(str, range(len(member))))
    sums = Tally(
        names,
        (member @ np.where(there, best, 0.0))[:, None],
        (member @ there.astype(float))[:, None],
    )
    return sums.value(), sums.interval(bootstrap)


def expected_best(scores: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Mean over all subsets of ``count`` answers of the best score in it, for each question.

    Args:
        scores: (questions, answers), ascending; -inf for an answer without a score.
        count: size of the subsets, at most the number of answers.

    Returns:
        (questions,); subsets without any score are left out of the mean, NaN where all are.
    """
    answers = scores.shape[1]
    subsets = math.comb(answers, count)
    # Share of the subsets in which the answer of each rank is the best.
    share = np.array([math.comb(rank, count - 1) / subsets for rank in range(answers)])
    scored = np.isfinite(scores)
    weight = scored @ share
    total = np.where(scored, scores, 0.0) @ share
    mean: NDArray[np.float64] = total / np.where(weight > 0, weight, np.nan)
    return mean
