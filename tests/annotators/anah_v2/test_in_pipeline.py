"""ANAH-v2 in the pipeline: its settings, its records, equal sentences, failures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.anah_v2 import (
    AnahV2Annotator,
    Context,
    own_prompts,
    write_prompts,
)
from maskdpo_xtuner.annotators.anah_v2.prompts import Prompts
from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.pipeline.annotation import annotate
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Response, Sentence
from maskdpo_xtuner.settings import AnahV2Settings, load_settings
from tests.annotators.anah_v2.internlm2 import internlm2_template, internlm2_tokenizer
from tests.models import tiny_llama

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


def response(index: int, text: str) -> Response:
    return Response(
        question_id='q',
        sample_index=index,
        seed=1,
        text=text,
        finish_reason='stop',
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
    )


@pytest.fixture
def annotated(tmp_path: Path) -> tuple[list[AnnotatedResponse], ScriptedEngine]:
    engine = ScriptedEngine(script, concurrency=4)
    annotator = AnahV2Annotator(engine.identity, own_prompts(), Context(9999, internlm2_template()))
    responses = [response(index, text) for index, text in enumerate(TEXTS)]
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Sentence] = Scheduler(engine, store)
        return list(annotate(responses, {'q': QUESTION}, annotator, scheduler)), engine


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
    assert second.sentences[1].failure == 'failed: turn 1: HTTP 500'
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


CONFIG = """
work_dir = 'work'
questions = dict(type='elements', split='train')
annotator = dict(type='anah_v2', engine=dict(type='transformers', model={model!r}), {more})
"""
Load = Callable[..., AnahV2Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_annotator(model: str | None, more: str = '') -> AnahV2Settings:
        path = tmp_path / 'config.py'
        path.write_text(CONFIG.format(model=model, more=more))
        annotator = load_settings(path).annotator
        assert isinstance(annotator, AnahV2Settings)
        return annotator

    return load_annotator


def test_a_config_builds_annotator_and_engine(load: Load, tmp_path: Path) -> None:
    internlm2_tokenizer().save_pretrained(tmp_path / 'tokenizer')
    model = str(tiny_llama(tmp_path / 'anah-v2', tmp_path / 'tokenizer'))
    prompts = tmp_path / 'prompts.json'
    write_prompts(prompts, Prompts(own_prompts().templates, 'anahv2_prompt.py'))
    more = f'prompts={str(prompts)!r}, context_length=500, dialogue=dict(retries=2)'
    annotator, engine = load(model, more).build()
    assert annotator.identity['engine.model'] == engine.identity['model'] == 'anah-v2'
    assert annotator.identity['prompts'] == 'anahv2_prompt.py'
    assert annotator.identity['context_length'] == '500'
    assert annotator.identity['retries'] == '2'


def test_the_annotator_has_to_be_named(load: Load) -> None:
    with pytest.raises(ValueError, match=r'annotator\.engine\.model is missing'):
        load(None).build()


def test_prompts_that_are_not_there_are_named(load: Load) -> None:
    with pytest.raises(ValueError, match='nowhere.json: there is no such file; make it with'):
        load('model', "prompts='nowhere.json'").build()


def test_a_setting_of_the_dialogue_that_does_not_exist_is_named(load: Load) -> None:
    with pytest.raises(ValueError, match=r'no setting annotator\.anah_v2\.dialogue\.retry'):
        load('model', 'dialogue=dict(retry=1)')
