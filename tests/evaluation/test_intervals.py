import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval, tail_share
from maskdpo_xtuner.evaluation.ratios import (
    Difference,
    Form,
    Part,
    Tally,
    difference,
    measure,
    tally,
)

FEW = Bootstrap(resamples=200, seed=3)


def random_tally(seed: int, clusters: int = 30, runs: int = 2, share: float = 0.7) -> Tally:
    rng = np.random.default_rng(seed)
    sentences = rng.integers(1, 12, size=(clusters, runs))
    correct = rng.binomial(sentences, share)
    names = tuple(f'topic-{index:02d}' for index in range(clusters))
    return score(names, correct, sentences - correct)


def score(names: tuple[str, ...], correct: np.ndarray, incorrect: np.ndarray) -> Tally:
    """The paper's score: a ratio in percent, averaged over runs."""
    return Tally(names, correct, correct + incorrect, Form(scale=100, by_run=True))


def brute_force_score(model: Tally, weights: np.ndarray) -> float:
    """Pooled score, averaged over runs, by repeating every drawn cluster as often as drawn."""
    drawn = [index for index, times in enumerate(weights) for _ in range(times)]
    scores = []
    for run in range(model.numerator.shape[1]):
        correct = sum(int(model.numerator[index, run]) for index in drawn)
        judged = sum(int(model.denominator[index, run]) for index in drawn)
        scores.append(100 * correct / judged)
    return sum(scores) / len(scores)


PARTS = [
    Part('tin-1', 0, 1, 2),
    Part('tin-2', 0, 0, 1),
    Part('gold-1', 0, 3, 3),
    Part('tin-1', 1, 0, 2),
    Part('gold-1', 1, 1, 4),
]
TOPICS = {'tin-1': 'tin', 'tin-2': 'tin', 'gold-1': 'gold'}


def test_parts_are_summed_by_topic_and_run() -> None:
    summed = tally(PARTS, TOPICS, Form(by_run=True))
    assert summed.clusters == ('gold', 'tin')
    assert summed.numerator.tolist() == [[3, 1], [1, 0]]
    assert summed.denominator.tolist() == [[3, 4], [3, 2]]
    assert summed.value() == pytest.approx((4 / 6 + 1 / 6) / 2)


def test_runs_are_pooled_where_the_form_says_so() -> None:
    pooled = tally(PARTS, TOPICS)
    assert pooled.numerator.tolist() == [[4], [1]]
    assert pooled.value() == 5 / 12


def test_an_exponential_is_taken_of_the_pooled_ratio() -> None:
    parts = [Part('tin-1', 0, 6.0, 3), Part('gold-1', 0, 0.0, 1)]
    perplexity = tally(parts, TOPICS, Form(exponential=True))
    assert perplexity.value() == pytest.approx(math.exp(6 / 4))
    weights = np.array([[2, 0], [0, 2], [1, 1]])
    assert perplexity.values(weights) == pytest.approx([1, math.exp(2), math.exp(1.5)])


def test_a_cluster_without_parts_has_its_row() -> None:
    assert tally([], TOPICS).clusters == ('gold', 'tin')
    assert measure(tally([], TOPICS), tally(PARTS, TOPICS), FEW).value is None


def test_a_part_of_an_unknown_question_is_refused() -> None:
    with pytest.raises(ValueError, match='answer to lead-1, which is not among the questions'):
        tally([Part('lead-1', 0, 1, 1)], {'tin-1': 'tin'})


def test_the_measure_of_the_first_model_has_no_difference() -> None:
    model = random_tally(0)
    assert measure(model, None, FEW).difference is None
    assert measure(model, model, FEW).difference == Difference(
        0.0, Interval(0.0, 0.0), 'within noise'
    )


def test_every_resample_draws_as_many_clusters_as_there_are() -> None:
    weights = FEW.weights(17)
    assert weights.shape == (200, 17)
    assert (weights.sum(axis=1) == 17).all()
    assert len({tuple(row) for row in weights}) > 190


def test_resampled_scores_equal_those_of_the_repeated_clusters() -> None:
    model, weights = random_tally(0), FEW.weights(30)
    expected = [brute_force_score(model, row) for row in weights]
    assert model.values(weights) == pytest.approx(expected)


def test_the_interval_is_that_of_the_brute_force_percentiles() -> None:
    model = random_tally(1)
    values = sorted(brute_force_score(model, row) for row in FEW.weights(30))
    interval = model.interval(FEW)
    assert interval is not None
    tail = tail_share(30, 0.95)
    assert interval.low == pytest.approx(np.quantile(values, tail))
    assert interval.high == pytest.approx(np.quantile(values, 1 - tail))


def test_the_interval_of_many_topics_agrees_with_the_linearized_ratio_estimator() -> None:
    model = random_tally(2, clusters=400, runs=1)
    correct, total = model.numerator[:, 0], model.denominator[:, 0]
    ratio = correct.sum() / total.sum()
    error = 100 * math.sqrt(((correct - ratio * total) ** 2).sum()) / total.sum()
    interval = model.interval(Bootstrap())
    assert interval is not None
    assert interval.low == pytest.approx(100 * ratio - 1.96 * error, abs=0.15 * error)
    assert interval.high == pytest.approx(100 * ratio + 1.96 * error, abs=0.15 * error)


@pytest.mark.parametrize(
    ('clusters', 'student_t'),
    # 0.975 quantiles of Student's distribution, from the tables of any textbook.
    [(5, 2.776), (10, 2.262), (21, 2.086), (121, 1.980)],
)
def test_the_tails_of_few_topics_are_those_of_students_distribution(
    clusters: int, student_t: float
) -> None:
    narrow = math.sqrt((clusters - 1) / clusters)
    assert -NormalDist().inv_cdf(tail_share(clusters, 0.95)) * narrow == pytest.approx(
        student_t, abs=5e-4
    )


def test_the_interval_of_few_topics_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(300):
        interval = random_tally(seed, clusters=6).interval(Bootstrap(resamples=500))
        assert interval is not None
        held += interval.low <= 70 <= interval.high
    # 0.95 with a standard error of 0.013; the plain percentile interval holds it in 0.85.
    assert 0.92 <= held / 300 <= 0.99


def test_topics_are_resampled_and_not_sentences() -> None:
    # Ten topics all true, ten all false: 20 draws of a coin, whatever the number of sentences.
    correct = np.array([[50]] * 10 + [[0]] * 10)
    model = score(tuple(f'{index:02d}' for index in range(20)), correct, 50 - correct)
    interval = model.interval(Bootstrap())
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((30, 70), abs=5)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    model = random_tally(3)
    assert model.interval(FEW) == model.interval(FEW)
    assert model.interval(FEW) != model.interval(Bootstrap(200, seed=4))


def test_a_wider_level_gives_a_wider_interval() -> None:
    model = random_tally(3)
    wide = model.interval(Bootstrap(1000, level=0.99))
    narrow = model.interval(Bootstrap(1000, level=0.8))
    assert wide is not None
    assert narrow is not None
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_topic_has_no_interval_and_an_unknown_difference() -> None:
    model = random_tally(0, clusters=1)
    assert model.interval(FEW) is None
    found = difference(model, model, FEW)
    assert (found.points, found.interval, found.direction) == (0.0, None, 'unknown')


def test_a_model_with_nothing_judged_has_no_interval_and_an_unknown_difference() -> None:
    model = random_tally(0)
    silent = score(model.clusters, np.zeros((30, 2)), np.zeros((30, 2)))
    assert silent.interval(FEW) is None
    found = difference(silent, model, FEW)
    assert (found.points, found.interval, found.direction) == (None, None, 'unknown')


def test_a_run_without_judged_sentences_is_left_out_of_the_mean() -> None:
    model = score(('a', 'b'), np.array([[3, 0], [1, 0]]), np.array([[1, 0], [3, 0]]))
    assert model.values(np.ones((1, 2), dtype=np.int64)).tolist() == [50.0]


def test_a_model_against_itself_is_within_noise() -> None:
    found = difference(random_tally(5), random_tally(5), FEW)
    assert found == Difference(0.0, Interval(0.0, 0.0), 'within noise')


@pytest.mark.parametrize(
    ('share', 'direction'), [(0.95, 'higher'), (0.3, 'lower'), (0.71, 'within noise')]
)
def test_the_direction_says_on_which_side_of_zero_the_interval_lies(
    share: float, direction: str
) -> None:
    found = difference(random_tally(7, share=share), random_tally(8), FEW)
    assert found.direction == direction


def test_the_difference_is_paired_over_the_same_resampled_topics() -> None:
    # Topics differ widely, both models find the same ones hard, and one is a bit better in each.
    hard = np.tile([[2], [18]], (15, 1))
    names = tuple(f'{index:02d}' for index in range(30))
    baseline = score(names, hard, 20 - hard)
    model = score(names, hard + 1, 19 - hard)
    found = difference(model, baseline, FEW)
    assert found.points == pytest.approx(5)
    assert found.direction == 'higher'
    assert difference(baseline, model, FEW).direction == 'lower'
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((5, 5))
    alone = model.interval(FEW)
    assert alone is not None
    assert alone.high - alone.low > 20


def test_models_with_answers_on_different_topics_are_not_compared() -> None:
    with pytest.raises(ValueError, match='only one of the two models has answers for topic-29'):
        difference(random_tally(0, clusters=30), random_tally(0, clusters=29), FEW)


@pytest.mark.parametrize('changes', [{'resamples': 0}, {'level': 1.0}, {'level': 0.0}])
def test_impossible_bootstrap_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='resamples >= 1'):
        Bootstrap(**changes)
