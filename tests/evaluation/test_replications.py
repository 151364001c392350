"""Several trainings in one row: their mean, and two spreads that are not confused."""

from __future__ import annotations

from statistics import stdev

import pytest

from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.printing import format_evaluation
from maskdpo_xtuner.evaluation.results import Evaluation, Training
from maskdpo_xtuner.evaluation.table import training_rows
from maskdpo_xtuner.records import AnnotatedResponse
from tests.evaluation.answers import answer
from tests.evaluation.test_comparison import ANY_TEXT, FEW, JUDGE, answers, questions


def replicated(trainings: dict[str, list[AnnotatedResponse]]) -> Evaluation:
    """Compare ``base`` with a model of several trainings."""
    rows = {
        'base': [Training(key='base', model='b')],
        'maskdpo': [Training(key=key, model=key) for key in trainings],
    }
    return compare(
        {JUDGE: {'base': answers('+u', runs=1), **trainings}},
        questions(),
        nlls={},
        settings={},
        bounds=ANY_TEXT,
        bootstrap=FEW,
        models=rows,
    )


def pooled(correct: int, incorrect: int, key: str) -> list[AnnotatedResponse]:
    """Answers to all questions with these totals: all in the first."""
    first, *others = questions()
    rest = [answer(q.question_id, 0, '', model=key) for q in others]
    return [answer(first.question_id, 0, '+' * correct + 'c' * incorrect, model=key), *rest]


def test_the_score_is_the_mean_over_trainings_and_not_that_of_their_totals() -> None:
    evaluation = replicated({'f1': pooled(9, 1, 'f1'), 'f2': pooled(10, 30, 'f2')})
    _, model = evaluation.judges[0].models
    score = model.measures['score']
    assert score.value == pytest.approx(57.5)
    assert score.trainings == pytest.approx((90, 25))
    assert score.std == pytest.approx(stdev([90, 25]))
    # Totals, as in the paper's columns: means over the trainings.
    assert (model.means['correct'], model.means['incorrect']) == (9.5, 15.5)
    assert len(model.runs) == 2
    assert [training.key for training in model.trainings] == ['f1', 'f2']


def test_every_other_metric_is_the_mean_over_trainings_too() -> None:
    trainings = {'f1': answers('+++u', runs=1), 'f2': answers('+u', runs=1)}
    measures = replicated(trainings).judges[0].models[1].measures
    assert measures['precision'].value == pytest.approx((75 + 50) / 2)
    assert measures['supported_per_answer'].value == pytest.approx(2)
    assert measures['tokens_per_answer'].value == pytest.approx((16 + 8) / 2)


def test_trainings_that_agree_have_no_spread_between_them_and_one_between_topics() -> None:
    by_topic = [answer(q.question_id, 0, '+' if q.topic < 't3' else 'u') for q in questions()]
    found = replicated({'f1': by_topic, 'f2': by_topic}).judges[0].models[1].measures['precision']
    assert found.std == 0
    assert found.interval is not None
    assert found.interval.high - found.interval.low > 10


def test_trainings_that_differ_alike_on_all_topics_have_a_spread_between_them_alone() -> None:
    trainings = {'f1': answers('+', runs=1), 'f2': answers('+u', runs=1)}
    found = replicated(trainings).judges[0].models[1].measures['precision']
    assert found.std == pytest.approx(stdev([100, 50]))
    assert found.interval is not None
    assert found.interval.low == found.interval.high == 75


def test_the_row_is_compared_with_the_first_model() -> None:
    evaluation = replicated({'f1': answers('++', runs=1), 'f2': answers('++', runs=1)})
    assert evaluation.verdicts.keys() == {'maskdpo'}
    said = evaluation.verdicts['maskdpo']
    assert said.kind == 'better'
    assert 'standard deviation of the precision between 2 trainings 0.0' in said.statement


def test_both_spreads_are_named_in_a_table() -> None:
    trainings = {'f1': pooled(9, 1, 'f1'), 'f2': pooled(10, 30, 'f2')}
    evaluation = replicated(trainings)
    rows = training_rows(evaluation.judges[0], 32, 0.95)
    assert rows[0] == {
        'model': 'maskdpo',
        'metric': "paper's score %",
        'mean': '57.50',
        'std between trainings': '45.96',
        '95% interval between topics': rows[0]['95% interval between topics'],
        'trainings': '90.00 25.00',
    }
    assert 'std between trainings' in format_evaluation(evaluation)
    assert 'Best of N' not in format_evaluation(evaluation)


def test_models_of_one_training_have_no_such_table() -> None:
    evaluation = replicated({'f1': answers('+', runs=1)})
    assert training_rows(evaluation.judges[0], 32, 0.95) == []
    measures = evaluation.judges[0].models[1].measures['precision']
    assert (measures.std, measures.trainings) == (None, ())
