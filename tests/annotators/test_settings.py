"""Annotators as a config names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators import LexicalAnnotator
from maskdpo_xtuner.annotators.anah_v2 import Prompts, own_prompts, write_prompts
from maskdpo_xtuner.annotators.settings import AnahV2Settings, AnnotatorSettings
from maskdpo_xtuner.settings import load_settings
from tests.annotators.anah_v2.internlm2 import internlm2_tokenizer
from tests.models import tiny_llama

SERVED = {'type': 'openai', 'model': 'judge', 'base_urls': ['http://localhost:1']}


def annotator_of(folder: Path, annotator: dict[str, Any]) -> AnnotatorSettings:
    path = folder / 'config.py'
    questions = {'type': 'table', 'table': 'elements', 'split': 'train'}
    path.write_text(f'work_dir = "w"\nquestions = {questions!r}\nannotator = {annotator!r}\n')
    return load_settings(path).annotator


def anah_v2(folder: Path, engine: dict[str, Any], **settings: Any) -> AnahV2Settings:
    found = annotator_of(folder, {'type': 'anah_v2', 'engine': engine, **settings})
    assert isinstance(found, AnahV2Settings)
    return found


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    internlm2_tokenizer().save_pretrained(tmp_path / 'tokenizer')
    return tmp_path / 'tokenizer'


def test_lexical_has_no_engine(tmp_path: Path) -> None:
    annotator, engine = annotator_of(tmp_path, {'type': 'lexical', 'min_coverage': 0.7}).build()
    assert annotator == LexicalAnnotator(min_coverage=0.7)
    assert engine is None


def test_anah_v2_is_built_with_its_engine(tmp_path: Path, tokenizer: Path) -> None:
    model = tiny_llama(tmp_path / 'anah-v2', tokenizer)
    prompts = tmp_path / 'prompts.json'
    write_prompts(prompts, Prompts(own_prompts().templates, 'anahv2_prompt.py'))
    annotator, engine = anah_v2(
        tmp_path,
        {'type': 'transformers', 'model': str(model)},
        prompts=str(prompts),
        context_length=500,
        dialogue={'retries': 2},
    ).build()
    assert annotator.identity['engine.model'] == engine.identity['model'] == 'anah-v2'
    assert annotator.identity['prompts'] == 'anahv2_prompt.py'
    assert annotator.identity['context_length'] == '500'
    assert annotator.identity['retries'] == '2'


@pytest.mark.parametrize('place', ['engine', 'annotator'])
def test_a_served_model_is_measured_with_the_tokenizer_that_is_named(
    tmp_path: Path, tokenizer: Path, place: str
) -> None:
    named = {'tokenizer': str(tokenizer)}
    if place == 'engine':
        settings = anah_v2(tmp_path, {**SERVED, **named})
    else:
        settings = anah_v2(tmp_path, SERVED, **named)
    annotator, _ = settings.build()
    assert annotator.identity['engine.model'] == 'judge'


def test_a_served_model_without_tokenizer_says_what_to_name(tmp_path: Path) -> None:
    served = {**SERVED, 'model': str(tmp_path / 'nowhere')}
    with pytest.raises(ValueError, match=r'nowhere.*name it as annotator\.tokenizer'):
        anah_v2(tmp_path, served).build()


def test_the_built_in_model_is_no_annotator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'annotator\.engine\.model is missing'):
        anah_v2(tmp_path, {'type': 'transformers'}).build()


def test_prompts_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='nowhere.json: there is no such file; make it with'):
        anah_v2(tmp_path, SERVED, prompts='nowhere.json').build()


@pytest.mark.parametrize('length', [512, 513])
def test_the_context_is_no_longer_than_that_of_the_engine(tmp_path: Path, length: int) -> None:
    engine = {'type': 'lmdeploy', 'model': 'm', 'options': {'session_len': 512}}
    if length == 512:
        assert anah_v2(tmp_path, engine, context_length=length).context_length == length
    else:
        with pytest.raises(ValueError, match='context_length 513 is more than the session_len 512'):
            anah_v2(tmp_path, engine, context_length=length)


def test_settings_that_do_not_exist_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'no setting annotator\.dialogue\.retry;.*retries'):
        anah_v2(tmp_path, SERVED, dialogue={'retry': 1})
    with pytest.raises(ValueError, match='no annotator "anah"; did you mean "anah_v2"'):
        annotator_of(tmp_path, {'type': 'anah'})
