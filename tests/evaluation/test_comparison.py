import pytest

from maskdpo_xtuner.evaluation.comparison import Evaluation, compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.records import AnnotatedResponse, Question
from tests.evaluation.answers import answer

FEW = Bootstrap(resamples=200)


def questions(topics: int = 6, each: int = 2) -> list[Question]:
    return [
        Question(
            question_id=f't{topic}/q{number}',
            question='What is it?',
            document='It is a thing.',
            language='en',
            topic=f't{topic}',
        )
        for topic in range(topics)
        for number in range(each)
    ]


def answers(marks: str, runs: int = 2) -> list[AnnotatedResponse]:
    return [answer(q.question_id, run, marks) for run in range(runs) for q in questions()]


def evaluated(**models: str) -> Evaluation:
    return compare(
        {name: answers(marks) for name, marks in models.items()},
        questions(),
        bootstrap=FEW,
        settings={'annotator': 'by hand'},
    )


def test_every_model_is_scored_and_compared_with_the_first() -> None:
    evaluation = evaluated(base='+u', aligned='+++u', worse='u')
    base, aligned, worse = evaluation.models
    assert [model.score for model in evaluation.models] == [50, 75, 0]
    assert base.difference is None
    assert aligned.difference is not None
    assert worse.difference is not None
    assert (aligned.difference.points, aligned.difference.verdict) == (25, 'better')
    assert (worse.difference.points, worse.difference.verdict) == (-50, 'worse')
    assert (base.means['correct'], base.means['answers'], len(base.runs)) == (12, 12, 2)


def test_the_set_is_described() -> None:
    evaluation = evaluated(base='+u')
    assert (evaluation.questions, evaluation.topics, evaluation.cluster) == (12, 6, 'topic')
    assert evaluation.settings == {'annotator': 'by hand'}


def test_an_evaluation_survives_its_json() -> None:
    evaluation = evaluated(base='+u', aligned='?')
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_clustering_by_question_narrows_the_interval_when_topics_agree_within() -> None:
    by_topic = [answer(q.question_id, 0, '+' if q.topic < 't3' else 'u') for q in questions()]
    widths = {}
    for cluster in ('topic', 'question'):
        evaluation = compare(
            {'base': by_topic}, questions(), bootstrap=FEW, cluster=cluster, settings={}
        )
        interval = evaluation.models[0].interval
        assert interval is not None
        widths[cluster] = interval.high - interval.low
    assert widths['question'] < widths['topic']


def test_a_missing_answer_is_refused_by_model_run_and_question() -> None:
    with pytest.raises(ValueError, match='aligned: question t5/q1 has 0 answers in run 1'):
        compare(
            {'base': answers('+'), 'aligned': answers('+')[:-1]},
            questions(),
            bootstrap=FEW,
            settings={},
        )


def test_an_answer_given_twice_is_refused() -> None:
    doubled = answers('+') + answers('+')[:1]
    with pytest.raises(ValueError, match='base: question t0/q0 has 2 answers in run 0'):
        compare({'base': doubled}, questions(), bootstrap=FEW, settings={})
