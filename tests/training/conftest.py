"""Fixtures of the training tests: real tokenizer, tiny model, pairs in the released format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.models import tiny_llama
from tests.preference_pairs import WritePairs
from tests.tokenizers import tokenizer_folder


@pytest.fixture(scope='session')
def smollm2() -> Path:
    """Folder of SmolLM2's tokenizer."""
    return tokenizer_folder('smollm2')


@pytest.fixture(scope='session')
def tiny_model(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small random Llama with SmolLM2's tokenizer."""
    return tiny_llama(tmp_path_factory.mktemp('model') / 'tiny', smollm2)


@pytest.fixture(autouse=True)
def datasets_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of `datasets` of the test's own."""
    import datasets

    cache = tmp_path / 'datasets_cache'
    monkeypatch.setattr(datasets.config, 'HF_DATASETS_CACHE', cache)
    return cache


@pytest.fixture
def write_pairs(tmp_path: Path) -> WritePairs:
    def write(pairs: list[dict[str, Any]]) -> Path:
        path = tmp_path / 'pairs.jsonl'
        path.write_text(''.join(json.dumps(pair) + '\n' for pair in pairs), encoding='utf-8')
        return path

    return write
