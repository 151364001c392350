"""Score of the best of N answers (Mask-DPO, Table 6), for every N that the answers allow.

From K answers to a question the expected score of the best of N is estimated over all subsets of N
answers at once, in closed form: the answer of rank i (0 is the worst) is the best of
C(i, N - 1) of the C(K, N) subsets. This is unbiased for the expected best of N fresh answers, and
uses all K answers for every N where one draw of N would use N; the estimator is that of pass@k
(Chen et al. 2021, arXiv 2107.03374, section 2.1) for scores instead of successes.

Where we deviate: the score of a set is the mean over questions of the best answer's score, each in
percent of its judged sentences; the paper does not say how it is pooled, and its row is one draw.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval, expanded_percentiles
from maskdpo_xtuner.pairing import factuality_score
from maskdpo_xtuner.records import AnnotatedResponse


@dataclass(frozen=True)
class BestOf:
    """Expected score of the best of ``count`` answers in percent; None when nothing was judged."""

    count: int
    score: float | None
    interval: Interval | None


def best_of_curve(
    responses: Iterable[AnnotatedResponse], cluster_of: Mapping[str, str], bootstrap: Bootstrap
) -> tuple[BestOf, ...]:
    """Expected best scores for N = 1, 2, 4, ... up to the number of answers a question.

    Args:
        responses: one model's annotated answers, as many to each question.
        cluster_of: question id -> cluster (the topic, or the question itself).
        bootstrap: of the intervals, over clusters.
    """
    scores: dict[str, list[float]] = {}
    for response in responses:
        score = factuality_score(response)
        # What has no score loses against whatever has one.
        scores.setdefault(response.question_id, []).append(-math.inf if score is None else score)
    clusters = sorted({cluster_of[question_id] for question_id in scores})
    member = np.array([[cluster_of[q] == cluster for q in scores] for cluster in clusters])
    by_question = np.sort(np.array(list(scores.values())), axis=1)
    answers = by_question.shape[1]
    counts = [2**power for power in range(answers.bit_length())]
    return tuple(_best_of(count, by_question, member, bootstrap) for count in counts)


def _best_of(
    count: int, scores: NDArray[np.float64], member: NDArray[np.bool_], bootstrap: Bootstrap
) -> BestOf:
    """One point, from ascending scores (questions, answers) and (clusters, questions)."""
    best = 100 * expected_best(scores, count)
    judged = ~np.isnan(best)
    sums, sizes = member @ np.where(judged, best, 0.0), member @ judged.astype(np.int64)
    if not judged.any():
        return BestOf(count, None, None)
    interval = None
    if len(member) > 1:
        weights = bootstrap.weights(len(member))
        drawn = weights @ sizes
        means = weights @ sums / np.where(drawn > 0, drawn, np.nan)
        interval = expanded_percentiles(means, len(member), bootstrap.level)
    return BestOf(count, float(sums.sum() / sizes.sum()), interval)


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
