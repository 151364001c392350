from __future__ import annotations

import math

import pytest

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.results import Cluster, Evaluation
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.registry import METRICS
from tests.evaluation.answers import answer

FEW = Bootstrap(resamples=200)
JUDGE = Judge(name='strict', made_pairs=False)
# The texts of answers that are made of marks repeat each other.
ANY_TEXT = Bounds(more_repeated=1, more_shared=1)


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


def compared(answers: dict[str, list[AnnotatedResponse]], cluster: Cluster = 'topic') -> Evaluation:
    """Compare answers by one judge, without a perplexity."""
    return compare(
        {JUDGE: answers},
        questions(),
        nlls={},
        settings={'annotator': 'by hand'},
        bounds=ANY_TEXT,
        bootstrap=FEW,
        cluster=cluster,
    )


def evaluated(**models: str) -> Evaluation:
    return compared({name: answers(marks) for name, marks in models.items()})


def test_every_model_is_measured_and_compared_with_the_first() -> None:
    evaluation = evaluated(base='+u', aligned='+++u', worse='u')
    base, aligned, worse = evaluation.judges[0].models
    assert [model.measures['precision'].value for model in (base, aligned, worse)] == [50, 75, 0]
    assert base.measures['precision'].difference is None
    assert base.verdict is None
    for model, points, kind in ((aligned, 25, 'better'), (worse, -50, 'worse')):
        difference = model.measures['precision'].difference
        assert difference is not None
        assert difference.points == points
        assert model.verdict is not None
        assert model.verdict.kind == kind
    assert (base.means['correct'], base.means['answers'], len(base.runs)) == (12, 12, 2)


def test_every_metric_has_an_interval_and_a_difference() -> None:
    measures = evaluated(base='+u.', aligned='+++u.').judges[0].models[1].measures
    assert measures.keys() >= {'score', 'precision', 'supported_per_answer', 'rep_4', 'refusals'}
    for name, found in measures.items():
        assert found.interval is not None, name
        assert found.difference is not None, name


def judged_twice() -> Evaluation:
    """Two judges that disagree about the second model, whose text is odd to a scorer."""
    nlls = {
        name: {'gpt2': [ResponseNll(total, 2)] * len(answers('+'))}
        for name, total in (('base', 2.0), ('aligned', 6.0))
    }
    return compare(
        {
            Judge(name='kind', made_pairs=True): {'base': answers('+u'), 'aligned': answers('++')},
            JUDGE: {'base': answers('+u'), 'aligned': answers('cu')},
        },
        questions(),
        nlls=nlls,
        settings={},
        bounds=Bounds(perplexity=10, more_repeated=1, more_shared=1),
        bootstrap=FEW,
    )


def test_judges_measure_the_same_answers_apart() -> None:
    evaluation = judged_twice()
    kind, strict = (result.models[1].verdict for result in evaluation.judges)
    assert kind is not None
    assert strict is not None
    assert (kind.kind, strict.kind) == ('better', 'worse')
    assert [result.judge.name for result in evaluation.judges] == ['kind', 'strict']
    assert evaluation.verdicts['aligned'].kind == 'worse'
    assert 'the judges disagree' in evaluation.verdicts['aligned'].statement
    (agreement,) = evaluation.agreement
    assert agreement.judges == ('kind', 'strict')
    assert agreement.table == ((24, 48, 0), (0, 24, 0), (0, 0, 0))


def test_a_perplexity_is_a_metric_like_the_others() -> None:
    for result in judged_twice().judges:
        base, odd = (model.measures for model in result.models)
        for key in ('perplexity under gpt2', 'mean perplexity under gpt2'):
            assert (base[key].value, odd[key].value) == pytest.approx((math.e, math.e**3))
            assert odd[key].difference is not None
            assert odd[key].difference.direction == 'higher'


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
    clusters: tuple[Cluster, ...] = ('topic', 'question')
    for cluster in clusters:
        evaluation = compared({'base': by_topic}, cluster)
        interval = evaluation.judges[0].models[0].measures['precision'].interval
        assert interval is not None
        widths[cluster] = interval.high - interval.low
    assert widths['question'] < widths['topic']


def test_a_missing_answer_is_refused_by_model_run_and_question() -> None:
    with pytest.raises(ValueError, match='aligned: question t5/q1 has 0 answers in run 1'):
        compared({'base': answers('+'), 'aligned': answers('+')[:-1]})


def test_an_answer_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match='base: question t0/q0 has 2 answers in run 0'):
        compared({'base': answers('+') + answers('+')[:1]})


def test_a_metric_with_the_name_of_a_measure_of_texts_is_refused() -> None:
    metrics = METRICS._items
    METRICS.register_module('refusals', module=lambda response, question: (1, 1))
    try:
        with pytest.raises(ValueError, match='refusals is a measure of the texts; give your'):
            compare(
                {JUDGE: {'base': answers('+')}},
                questions(),
                nlls={},
                settings={},
                bounds=ANY_TEXT,
                bootstrap=FEW,
                metrics=['refusals'],
            )
    finally:
        del metrics['refusals']
