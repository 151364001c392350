"""The judge by a prompt: what is asked, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.llm.settings import LLMSettings
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Label, Question
from tests.annotators.judging import TIN, judge, verdicts

RESPONSE = 'Hello! Tin is a metal. It melts at 12 K.'
YES, NO, OPEN, NONE = (
    Label.NO_HALLUCINATION,
    Label.CONTRADICTORY,
    Label.UNVERIFIABLE,
    Label.NO_FACTS,
)
SERVED = {'type': 'openai', 'model': 'judge', 'base_urls': ['http://localhost:1']}


def annotator_of(**settings: Any) -> Annotator:
    annotator, _ = LLMSettings.model_validate({'engine': SERVED, **settings}).build()
    return annotator


def about(request: Request) -> str:
    """The sentence that our prompt asks about."""
    return request.messages[-1].content.partition('sentence to check:\n')[2].partition('\n')[0]


def by_sentence(request: Request) -> str:
    said = {
        'Hello!': 'A greeting. [[NO FACTS]]',
        'Tin is a metal.': 'The document says so.\n[[SUPPORTED]]',
        'It melts at 12 K.': 'Not [[SUPPORTED]]: 505 K.\n[[CONTRADICTED]]',
        'It is dear.': '[[NOT IN DOCUMENT]]',
    }
    return said[about(request)]


def test_each_sentence_is_asked_about_and_its_marker_read(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_sentence, concurrency=4)
    (response,) = judge(tmp_path, annotator_of(), engine, [RESPONSE + ' It is dear.'], TIN)
    assert verdicts(response) == [NONE, YES, NO, OPEN]
    (request,) = engine.calls[0]
    assert (request.sampling.temperature, request.sampling.max_new_tokens) == (0.0, 512)
    for part in (TIN.document, TIN.question, RESPONSE, '[[CONTRADICTED]] when'):
        assert part in request.messages[-1].content


def test_our_prompt_offers_the_labels_that_are_named(tmp_path: Path) -> None:
    labels = {'no_hallucination': 'YES', 'unverifiable': 'NO'}
    for per in ('sentence', 'answer'):
        engine = ScriptedEngine(lambda request: '1: YES')
        annotator = annotator_of(labels=labels, per=per)
        judge(tmp_path / per, annotator, engine, ['Tin.'], TIN)
        prompt = engine.calls[0][0].messages[-1].content
        assert 'YES when' in prompt
        assert 'NO when' in prompt
        assert 'something else' not in prompt
        assert 'greeting' not in prompt


def test_a_prompt_of_the_users_gets_every_variable(tmp_path: Path) -> None:
    path = tmp_path / 'mine.j2'
    path.write_text(
        '{{ language }}|{{ topic }}|{{ question }}|{{ document }}|{{ answer }}|{{ sentence }}|'
        '{{ sentences | join("/") }}|{{ labels.no_hallucination }}'
    )
    engine = ScriptedEngine(lambda request: '[[SUPPORTED]]')
    annotator = annotator_of(prompt=str(path), system='You judge.')
    judge(tmp_path, annotator, engine, ['Ja. Nein.'], TIN)
    system, user = engine.calls[1][0].messages
    assert (system.role, system.content) == ('system', 'You judge.')
    assert user.content == (
        f'en|tin|What is tin?|{TIN.document}|Ja. Nein.|Nein.|Ja./Nein.|[[SUPPORTED]]'
    )


@pytest.mark.parametrize(
    ('outcome', 'failure'),
    [
        ('I am not sure.', "unparsed: no marker: 'I am not sure.'"),
        (Failure('HTTP 400: the input is too long'), 'no_answer: HTTP 400: the input is too long'),
        (
            Completion('[[SUPPORTED]] or', 'length', 9, 512),
            "unparsed: cut at 512 tokens: '[[SUPPORTED]] or'",
        ),
    ],
)
@pytest.mark.parametrize('per', ['sentence', 'answer'])
def test_what_gives_no_verdict_is_no_label(
    tmp_path: Path, outcome: str | Completion | Failure, failure: str, per: str
) -> None:
    engine = ScriptedEngine(lambda request: outcome)
    (response,) = judge(tmp_path, annotator_of(per=per), engine, ['Tin.'], TIN)
    if per == 'answer':
        failure = failure.replace('no marker', 'no verdict on sentence 1')
    assert verdicts(response) == [failure]


def at_attempt(*answers: str) -> Callable[[Request], str]:
    return lambda request: answers[request.seed - 1]


def test_an_unreadable_answer_is_asked_for_again_and_noted(tmp_path: Path) -> None:
    engine = ScriptedEngine(at_attempt('Hm.', '[[SUPPORTED]]'))
    (response,) = judge(tmp_path, annotator_of(retries=1), engine, ['Tin.'], TIN)
    assert verdicts(response) == [YES]
    assert response.sentences[0].notes == ("retried: no marker: 'Hm.'",)
    first, second = (request for (request,) in engine.calls)
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.8)


def test_one_request_judges_a_whole_answer(tmp_path: Path) -> None:
    said = '1: a greeting [[NO FACTS]]\n2: [[SUPPORTED]]\n3: 505 K, [[CONTRADICTED]]'
    engine = ScriptedEngine(lambda request: said)
    responses = judge(tmp_path, annotator_of(per='answer'), engine, [RESPONSE, ' '], TIN)
    assert [verdicts(response) for response in responses] == [[NONE, YES, NO], []]
    ((request,),) = engine.calls
    assert '\n1. Hello!\n2. Tin is a metal.\n3. It melts at 12 K.\n' in request.messages[0].content


def test_of_a_whole_answer_only_sentences_without_a_verdict_fail(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda request: '1: [[NO FACTS]]\n3: [[CONTRADICTED]]')
    (response,) = judge(tmp_path, annotator_of(per='answer'), engine, [RESPONSE], TIN)
    first, second, third = verdicts(response)
    assert (first, third) == (NONE, NO)
    assert str(second).startswith('unparsed: no verdict on sentence 2: ')


def test_a_second_attempt_is_for_the_sentences_that_lack_a_verdict(tmp_path: Path) -> None:
    script = at_attempt(
        '1: [[NO FACTS]]\n3: [[CONTRADICTED]]', '1: [[SUPPORTED]]\n2: [[SUPPORTED]]'
    )
    (response,) = judge(
        tmp_path, annotator_of(per='answer', retries=1), ScriptedEngine(script), [RESPONSE], TIN
    )
    assert verdicts(response) == [NONE, YES, NO]
    assert [bool(sentence.notes) for sentence in response.sentences] == [False, True, False]


def test_any_language_with_a_splitter_for_it(tmp_path: Path) -> None:
    german = TIN.model_copy(update={'language': 'de', 'document': 'Zinn ist ein Metall.'})
    engine = ScriptedEngine(lambda request: '[[SUPPORTED]]')
    (response,) = judge(
        tmp_path,
        annotator_of(splitter='sentencex'),
        engine,
        ['Das ist z. B. ein Metall. Es schmilzt.'],
        Question.model_validate(german),
    )
    assert len(response.sentences) == 2
    assert response.annotator['splitter.name'] == 'sentencex'


def test_the_identity_holds_what_decides(tmp_path: Path) -> None:
    path = tmp_path / 'mine.j2'
    path.write_text('{{ sentence }}')
    changes: list[dict[str, Any]] = [
        {},
        {'prompt': str(path)},
        {'labels': {'no_hallucination': 'A', 'contradictory': 'B'}},
        {'rule': 'one'},
        {'per': 'answer'},
        {'system': 'You judge.'},
        {'max_new_tokens': 64},
        {'retries': 1},
        {'retry_temperature': 0.5},
        {'seed': 2},
        {'engine': {**SERVED, 'model': 'other'}},
        {'splitter': 'sentencex'},
    ]
    found = [tuple(sorted(annotator_of(**change).identity.items())) for change in changes]
    assert len(set(found)) == len(found)
    path.write_text('{{ sentence }}?')
    assert tuple(sorted(annotator_of(prompt=str(path)).identity.items())) != found[1]


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'labels': {'contradictory': 'B'}}, 'name a marker of no_hallucination'),
        ({'labels': {'no_hallucination': 'A', 'no_facts': 'B'}}, 'and one of contradictory or'),
        (
            {'labels': {'no_hallucination': 'A', 'contradictory': 'A'}},
            'A is the marker of two verdicts',
        ),
        ({'labels': {'no_hallucination': ' ', 'contradictory': 'A'}}, 'not a blank one'),
        ({'labels': {'supported': 'A'}}, "'no_facts', 'no_hallucination', 'contradictory'"),
        ({'prompt': 'gone.j2'}, r'gone\.j2: there is no such file'),
        ({'per': 'word'}, "'sentence' or 'answer'"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        annotator_of(**settings)


def test_a_prompt_about_answers_has_no_variable_of_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / 'mine.j2'
    path.write_text('{{ sentences }}\n{{ sentence }}')
    with pytest.raises(ValueError, match=r'mine\.j2:2: there is no variable "sentence" here'):
        annotator_of(prompt=str(path), per='answer')
