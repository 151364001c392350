"""The judge by a classifier: which passages are read, and what they decide together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.classifier import ClassifierAnnotator
from maskdpo_xtuner.annotators.classifier.settings import ClassifierSettings
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from tests.annotators.judging import TIN, judge, verdicts
from tests.classifiers import tiny_bert

YES, NO, OPEN = Label.NO_HALLUCINATION, Label.CONTRADICTORY, Label.UNVERIFIABLE
NLI = {'entailment': YES, 'contradiction': NO, 'neutral': OPEN}
PARTS = ('Tin is a metal. ', 'Tin melts at 505 K. ', 'Tin is not rare. ')
LONG = TIN.model_copy(update={'document': ''.join(PARTS)})


def says(entailment: float, contradiction: float = 0.0, left_out: int = 0) -> str:
    probabilities = {
        'entailment': entailment,
        'neutral': 1 - entailment - contradiction,
        'contradiction': contradiction,
    }
    return json.dumps({'probabilities': probabilities, 'left_out': left_out, 'tokens': 100})


def by_premise(said: Mapping[str, str | Failure]) -> Callable[[Request], str | Failure]:
    """An answer for each passage that begins like a key."""

    def script(request: Request) -> str | Failure:
        premise = request.messages[0].content
        return next(answer for start, answer in said.items() if premise.startswith(start))

    return script


def judged(
    folder: Path, engine: ScriptedEngine, text: str, about: Question = LONG, **settings: Any
) -> AnnotatedResponse:
    settings = {'passage_length': 20, **settings}
    annotator = ClassifierAnnotator(engine.identity, settings.pop('labels', NLI), **settings)
    (response,) = judge(folder, annotator, engine, [text], about)
    return response


@pytest.mark.parametrize(
    ('metal', 'melts', 'rare', 'label', 'point'),
    [
        (says(0.5), says(0), says(0), YES, 0),
        (says(0, 0.9), says(0.6), says(0, 0.9), YES, 1),
        (says(0, 0.6), says(0, 0.7), says(0, 0.5), NO, 1),
        (says(0.49, 0.49), says(0.4, 0.4), says(0, 0), OPEN, None),
        (says(0), says(0), says(0), OPEN, None),
    ],
    ids=['entailed', 'entailed by one', 'contradicted most', 'just below both', 'neutral'],
)
def test_any_entailment_wins_over_the_strongest_contradiction(
    tmp_path: Path, metal: str, melts: str, rare: str, label: Label, point: int | None
) -> None:
    engine = ScriptedEngine(by_premise({'Tin is a': metal, 'Tin melts': melts, 'Tin is n': rare}))
    (sentence,) = judged(tmp_path, engine, 'Tin is a metal.').sentences
    assert sentence.label is label
    assert sentence.points == (() if point is None else (PARTS[point].strip(),))


def test_passages_are_asked_about_by_relevance_until_one_supports(tmp_path: Path) -> None:
    script = by_premise({'Tin melts': says(0.9), 'Tin': says(0.1)})
    engine = ScriptedEngine(script)
    judged(tmp_path, engine, 'It melts at 505 K.')
    assert [call[0].messages[0].content for call in engine.calls] == ['Tin melts at 505 K.']
    assert engine.calls[0][0].messages[1].content == 'It melts at 505 K.'
    few = ScriptedEngine(lambda request: says(0.0))
    judged(tmp_path / 'few', few, 'It melts at 505 K.', passages=2)
    assert len(few.calls) == 2


@pytest.mark.parametrize(
    ('settings', 'label'),
    [
        ({}, OPEN),
        ({'support': 0.4}, YES),
        ({'contradiction': 0.3}, NO),
        ({'labels': {'entailment': YES, 'neutral': YES}}, YES),
        ({'labels': {'neutral': YES}, 'support': 0.2}, YES),
    ],
)
def test_thresholds_and_the_meaning_of_classes_are_settings(
    tmp_path: Path, settings: dict[str, Any], label: Label
) -> None:
    engine = ScriptedEngine(lambda request: says(0.45, 0.3))
    assert verdicts(judged(tmp_path, engine, 'Tin.', **settings)) == [label]


def test_a_failed_request_is_no_label_and_a_cut_passage_is_noted(tmp_path: Path) -> None:
    script = by_premise({'Tin melts': says(0, left_out=40), 'Tin': Failure('no room')})
    (sentence,) = judged(tmp_path, ScriptedEngine(script), 'It melts at 505 K.').sentences
    assert sentence.failure == 'no_answer: no room'
    assert sentence.notes == ('passage_cut: by 40 of 100 tokens',)


def test_the_hypothesis_may_name_the_topic(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda request: says(0.9))
    judged(tmp_path, engine, 'It melts.', hypothesis='{topic}: {question} {sentence}')
    assert engine.calls[0][0].messages[1].content == 'tin: What is tin? It melts.'


def test_sentences_of_several_answers_fill_a_batch(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda request: says(0.9), batch_size=16)
    annotator = ClassifierAnnotator(engine.identity, NLI)
    texts = [f'Tin is metal {n}. It melts at {n} K.' for n in range(6)]
    responses = judge(tmp_path, annotator, engine, texts, TIN)
    assert [len(call) for call in engine.calls] == [12]
    assert [verdicts(response) for response in responses] == [[YES, YES]] * 6
    again = ScriptedEngine(lambda request: says(0.0), batch_size=16)
    assert judge(tmp_path, annotator, again, texts, TIN) == responses
    assert again.calls == []


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ('entailment', 'neutral', 'contradiction')
    return tiny_bert(tmp_path_factory.mktemp('nli') / 'nli', 'Sequence', names)


def test_a_model_folder_judges(tmp_path: Path, model: Path) -> None:
    settings = ClassifierSettings(model=str(model), max_length=64, splitter='sentencex')
    annotator, engine = settings.build()
    german = TIN.model_copy(update={'language': 'de', 'document': 'Zinn ist ein Metall.'})
    (response,) = judge(tmp_path, annotator, engine, ['Es ist z. B. alt. Es schmilzt.'], german)
    assert len(response.sentences) == 2
    assert all(sentence.label for sentence in response.sentences)
    assert response.annotator['engine.model'] == 'nli'
    assert response.annotator['splitter.name'] == 'sentencex'


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'labels': {'ENTAILMENT': 'no_hallucination'}}, 'no class "ENTAILMENT"; it has entail'),
        ({'labels': {'entailment': 'unverifiable'}}, 'one class must mean no_hallucination'),
        ({'labels': {'entailment': 'no_hallucination', 'neutral': 'no_facts'}}, 'mean no_facts'),
        ({'hypothesis': 'It is true.'}, 'write {sentence}'),
        ({'hypothesis': '{sentence} {answer}'}, 'write {sentence}'),
        ({'max_length': 512}, 'takes 64 tokens at most'),
        ({'support': 0}, 'greater than 0'),
    ],
)
def test_mistakes_are_named(model: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClassifierSettings.model_validate(
            {'model': str(model), 'max_length': 64, **settings}
        ).build()


def test_where_and_how_fast_a_model_runs_is_not_written_down() -> None:
    settings = ClassifierSettings(model='m', device='cpu', batch_size=2)
    assert not {'device', 'batch_size'} & settings.model_dump().keys()
