"""ANAH-v2 in the pipeline: its records, equal sentences, failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.anah_v2 import AnahV2Annotator, Context, own_prompts
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from tests.annotators.anah_v2.internlm2 import internlm2_template
from tests.annotators.judging import judge

QUESTION = Question(
    question_id='q',
    question='When was astatine discovered?',
    document='It was discovered in 1940 at Berkeley.',
    language='en',
    topic='Astatine',
)
TEXTS = ['Hello! It was found in 1940. It was found in Paris.', 'It was found in 1940. Odd.', ' ']


def script(request: Request) -> str | Failure:
    """What a model would say to these sentences."""
    question = request.messages[-1].content
    if 'Odd.' in question:
        return Failure('HTTP 500')
    if len(request.messages) == 1:
        return '“<No Facts>”\n' if 'Hello!' in question else '<Facts Present>'
    if len(request.messages) == 3:
        return 'In 1940.<SEP>At Berkeley.'
    return '<Contradictory>' if 'Paris' in question else '<No Hallucination>'


@pytest.fixture
def annotated(tmp_path: Path) -> tuple[list[AnnotatedResponse], ScriptedEngine]:
    engine = ScriptedEngine(script, concurrency=4)
    annotator = AnahV2Annotator(engine.identity, own_prompts(), Context(9999, internlm2_template()))
    return judge(tmp_path, annotator, engine, TEXTS, QUESTION), engine


def test_every_sentence_gets_its_outcome(
    annotated: tuple[list[AnnotatedResponse], ScriptedEngine],
) -> None:
    first, second, blank = annotated[0]
    assert [s.label for s in first.sentences] == [
        Label.NO_FACTS,
        Label.NO_HALLUCINATION,
        Label.CONTRADICTORY,
    ]
    assert [s.label for s in second.sentences] == [Label.NO_HALLUCINATION, None]
    assert second.sentences[1].failure == 'no_answer: turn 1: HTTP 500'
    assert blank.sentences == ()


def test_every_record_says_who_judged(
    annotated: tuple[list[AnnotatedResponse], ScriptedEngine],
) -> None:
    for answer in annotated[0]:
        assert answer.annotator['name'] == 'anah_v2'
        assert answer.annotator['engine.model'] == 'script'
        assert answer.annotator['prompts_sha256'] == own_prompts().sha256


def test_the_same_sentence_in_two_answers_is_asked_about_once(
    annotated: tuple[list[AnnotatedResponse], ScriptedEngine],
) -> None:
    asked = [request.messages for call in annotated[1].calls for request in call]
    assert len(set(asked)) == len(asked) == 1 + 3 + 3 + 1
