"""Model folders that are damaged or odd: one line with the mend, no traceback of a library."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from maskdpo_xtuner.chat_templates import ChatTemplate, ChatTemplateError
from maskdpo_xtuner.engines.model_files import load_causal_lm, model_source
from maskdpo_xtuner.records import Message


@pytest.fixture
def model(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / 'model'))


def assert_not_loaded(model: Path, device: str = 'cpu') -> None:
    with pytest.raises(ValueError, match='cannot be loaded') as caught:
        load_causal_lm(model_source(str(model), '', False), 'float32', device)
    assert str(caught.value).startswith(f'{model}: ')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('kept', [0, 5, 1000])
def test_weights_that_are_cut_are_said(model: Path, kept: int) -> None:
    weights = model / 'model.safetensors'
    weights.write_bytes(weights.read_bytes()[:kept])
    assert_not_loaded(model)


def test_weights_of_garbage_are_said(model: Path) -> None:
    weights = model / 'model.safetensors'
    weights.write_bytes(b'\xff' * weights.stat().st_size)
    assert_not_loaded(model)


def test_weights_of_another_model_are_said(model: Path) -> None:
    config = json.loads((model / 'config.json').read_text())
    config['hidden_size'] *= 2
    config['head_dim'] = None
    (model / 'config.json').write_text(json.dumps(config))
    assert_not_loaded(model)


@pytest.mark.parametrize(
    ('dtype', 'device', 'said'), [('float3', 'cpu', 'dtype: '), ('float32', 'mps', 'device: ')]
)
def test_a_dtype_or_device_that_is_none_is_said(
    model: Path, dtype: str, device: str, said: str
) -> None:
    with pytest.raises(ValueError, match=f'^{said}'):
        load_causal_lm(model_source(str(model), '', False), dtype, device)


@pytest.mark.parametrize('garbage', ['', '{', '[]', '{"model": 5}', '\xff\xfe'])
def test_a_tokenizer_of_garbage_is_said(model: Path, garbage: str) -> None:
    (model / 'tokenizer.json').write_text(garbage)
    for path in (*model.glob('*.model'), *model.glob('vocab*'), *model.glob('merges*')):
        path.unlink()
    with pytest.raises(ValueError, match='no tokenizer can be read there') as caught:
        ChatTemplate(str(model)).encode([Message(role='user', content='hi')])
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'template',
    [
        '{% if %}',
        '{{ messages[9].content }}',
        '{{ 1 / 0 }}',
        '{{ nothing.at.all }}',
        '{{ messages + 1 }}',
        '{{ raise_exception("I refuse") }}',
        '{% for n in range(10 ** 9) %}x{% endfor %}',
        '{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}',
    ],
)
def test_a_template_that_cannot_be_rendered_is_said(model: Path, template: str) -> None:
    path = model / 'tokenizer_config.json'
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, 'chat_template': template}))
    (model / 'chat_template.jinja').unlink(missing_ok=True)  # newer versions read it first
    with pytest.raises(ChatTemplateError, match=r'refuses the conversation \(user\): .+'):
        ChatTemplate(str(model)).render([Message(role='user', content='hi')])
