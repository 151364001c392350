"""What a user reads while a model is loaded."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.deprecations import LOGGERS, keep_quiet_about_torch_dtype
from maskdpo_xtuner.engines.model_files import load_causal_lm

HAS_OTHER_NAME = tuple(map(int, transformers.__version__.split('.')[:2])) >= (4, 56)


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transformers forget what it said, and tests hear it."""
    monkeypatch.setattr(logging.getLogger('transformers'), 'propagate', True)
    for name in LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), 'filters', [])
    logging.Logger.warning_once.cache_clear()  # type: ignore[attr-defined]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shape = {'hidden_size': 8, 'intermediate_size': 8, 'num_hidden_layers': 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=8, num_attention_heads=1, **shape)).save_pretrained(
        tmp_path
    )
    return tmp_path


@pytest.mark.usefixtures('anew')
def test_models_are_loaded_without_a_word_about_names(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    AutoModelForCausalLM.from_pretrained(folder, torch_dtype='auto')
    assert ('torch_dtype' in caplog.text) == HAS_OTHER_NAME
    caplog.clear()
    logging.Logger.warning_once.cache_clear()  # type: ignore[attr-defined]
    load_causal_lm({'pretrained_model_name_or_path': str(folder)}, 'bfloat16', 'cpu')
    assert 'torch_dtype' not in caplog.text
    logging.getLogger(LOGGERS[0]).warning('`torch_dtype` is none that there is')
    assert 'none that there is' in caplog.text


@pytest.mark.usefixtures('anew')
def test_filters_do_not_heap_up() -> None:
    for _ in range(3):
        keep_quiet_about_torch_dtype()
    assert [len(logging.getLogger(name).filters) for name in LOGGERS] == [1, 1]
