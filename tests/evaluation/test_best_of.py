"""The best of N answers: against enumeration, sampling, and by hand."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdpo_xtuner.evaluation.best_of import best_of_curve, expected_best
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from tests.evaluation.answers import answer

SCORES = st.lists(st.sampled_from([-math.inf, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=7)
BOOTSTRAP = Bootstrap(resamples=500)
TWO = {'q0': 'a', 'q1': 'b'}


@settings(deadline=None)
@given(SCORES, st.data())
def test_it_is_the_mean_over_all_subsets(scores: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(scores)))
    best = [max(subset) for subset in combinations(scores, count)]
    scored = [score for score in best if score >= 0]
    (found,) = expected_best(np.array([sorted(scores)]), count)
    if scored:
        assert found == pytest.approx(fmean(scored))
    else:
        assert math.isnan(found)


def test_it_is_unbiased_for_fresh_answers() -> None:
    """Over draws of 6 answers with scores 0 or 1, the best of 3 has the known expectation."""
    truth = 1 - 0.7**3
    draws = np.random.default_rng(0).random((20_000, 6)) < 0.3
    estimates = expected_best(np.sort(draws.astype(float), axis=1), 3)
    error = estimates.std() / math.sqrt(len(estimates))
    assert abs(estimates.mean() - truth) < 4 * error
    # Reusing all answers is what it is for: one draw of three scatters more.
    assert estimates.std() < 0.9 * math.sqrt(truth * (1 - truth))


def test_256_answers_are_no_problem() -> None:
    scores = np.sort(np.random.default_rng(0).random((3, 256)), axis=1)
    curve = [expected_best(scores, 2**power) for power in range(9)]
    np.testing.assert_allclose(curve[0], scores.mean(axis=1))
    np.testing.assert_allclose(curve[-1], scores.max(axis=1))
    assert (np.diff(curve, axis=0) > 0).all()


def test_a_curve_by_hand() -> None:
    answers = [
        *(answer('q0', run, marks) for run, marks in enumerate(['++', '+c', 'cc', 'cc'])),
        *(answer('q1', run, marks) for run, marks in enumerate(['cc', '+c', '+c', '+c'])),
    ]
    curve = best_of_curve([answers], {'q0': 'a', 'q1': 'b'}, BOOTSTRAP)
    # q0: scores 0 0 0.5 1, best of two (0 + 2 * 0.5 + 3 * 1) / 6; q1: 0 0.5 0.5 0.5, all pairs 0.5.
    assert [point.count for point in curve] == [1, 2, 4]
    assert [point.score for point in curve] == pytest.approx(
        [100 * (0.375 + 0.375) / 2, 100 * (4 / 6 + 0.5) / 2, 100 * (1 + 0.5) / 2]
    )


def test_questions_count_alike_however_many_a_topic_has() -> None:
    answers = [answer('q0', 0, '+'), answer('q1', 0, 'c'), answer('q2', 0, 'c')]
    (point,) = best_of_curve([answers], {'q0': 'a', 'q1': 'b', 'q2': 'b'}, BOOTSTRAP)
    assert point.score == pytest.approx(100 / 3)


def test_an_answer_without_a_verdict_is_never_the_best() -> None:
    answers = [answer('q0', run, marks) for run, marks in enumerate(['?', '+c', '', 'c'])]
    curve = best_of_curve([answers], {'q0': 'a'}, BOOTSTRAP)
    # Of six pairs one has no score; the best of three others is 0.5, and of two it is 0.
    assert [point.score for point in curve] == pytest.approx([25, 100 * (3 * 0.5 + 0) / 5, 50])


def test_a_question_without_any_verdict_is_left_out() -> None:
    answers = [answer('q0', 0, '+c'), answer('q1', 0, '??')]
    (point,) = best_of_curve([answers], {'q0': 'a', 'q1': 'b'}, BOOTSTRAP)
    assert point.score == 50
    (nothing,) = best_of_curve([answers[1:]], {'q1': 'b'}, BOOTSTRAP)
    assert (nothing.score, nothing.interval) == (None, None)


def test_the_best_by_precision_is_never_an_answer_that_says_nothing_checkable() -> None:
    answers = [answer('q0', run, marks) for run, marks in enumerate(['..', '+cc', '+c', '.'])]
    curve = best_of_curve([answers], {'q0': 'a'}, BOOTSTRAP)
    # Silence has the score 1 and no precision: of six pairs one has none, one the precision 1/3.
    assert [point.score for point in curve] == pytest.approx(
        [100 * (1 / 3 + 1 / 2 + 2) / 4, 100 * (1 / 2 + 5) / 6, 100]
    )
    assert [point.precision for point in curve] == pytest.approx(
        [100 * (1 / 3 + 1 / 2) / 2, 100 * (2 * 1 / 3 + 3 * 1 / 2) / 5, 50]
    )


def test_a_model_that_says_nothing_checkable_has_no_precision_of_the_best() -> None:
    (point,) = best_of_curve([[answer('q0', 0, '..')]], {'q0': 'a'}, BOOTSTRAP)
    assert (point.score, point.precision, point.precision_interval) == (100, None, None)


def test_the_interval_is_over_topics() -> None:
    scores = ['++', '+c', 'cc'] * 4
    answers = [answer(f'q{n}', 0, marks) for n, marks in enumerate(scores)]
    topics = {f'q{n}': f't{n}' for n in range(12)}
    (point,) = best_of_curve([answers], topics, BOOTSTRAP)
    assert point.interval is not None
    assert point.score is not None
    assert 20 < point.interval.low < point.score == 50 < point.interval.high < 80
    (one_topic,) = best_of_curve([answers], dict.fromkeys(topics, 't'), BOOTSTRAP)
    assert (one_topic.score, one_topic.interval) == (50, None)


def test_the_best_of_one_has_the_totals_of_a_run() -> None:
    # The mean of the answers' scores is (100 + 0) / 2; of their 5 sentences one is correct.
    (point,) = best_of_curve([[answer('q0', 0, '+'), answer('q1', 0, 'cccc')]], TWO, BOOTSTRAP)
    assert (point.score, point.correct, point.incorrect) == (50, 1, 4)
    assert (point.pooled_score, point.pooled_precision) == (20, 20)


def test_answers_of_equal_score_share_what_they_hold() -> None:
    answers = [answer('q0', 0, '+'), answer('q0', 1, '+++'), answer('q0', 2, 'c')]
    one, two = best_of_curve([answers], TWO, BOOTSTRAP)
    assert (one.correct, one.incorrect) == pytest.approx((4 / 3, 1 / 3))
    # Each pair has an answer with the score 100, in which of the two is chance.
    assert (two.score, two.correct, two.incorrect) == pytest.approx((100, 2, 0))


def test_totals_of_several_trainings_are_their_mean() -> None:
    trainings = [[answer('q0', 0, '+')], [answer('q0', 0, '+cc')]]
    (point,) = best_of_curve(trainings, TWO, BOOTSTRAP)
    assert (point.correct, point.incorrect) == (1, 1)
    assert point.score == pytest.approx((100 + 100 / 3) / 2)


def test_an_answer_that_never_came_loses() -> None:
    answers = [answer('q0', 0, '+'), answer('q1', 0, 'c'), answer('q1', 1, '+')]
    one, two = best_of_curve([answers], TWO, BOOTSTRAP)
    assert (one.score, two.score) == (75, 100)
