from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from maskdpo_xtuner.training.reference import weights
from maskdpo_xtuner.training.reference.weights import weights_identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / 'model'
    path.mkdir()
    (path / 'config.json').write_text('{}')
    (path / 'model.safetensors').write_bytes(b'weights')
    return path


def identity(folder: Path, **options: Any) -> str:
    return weights_identity({'pretrained_model_name_or_path': str(folder), **options})


def test_a_copy_has_the_same_identity(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / 'copy')
    os.utime(copy / 'model.safetensors', (1, 1))
    assert identity(copy) == identity(folder)


@pytest.mark.parametrize('name', ['model.safetensors', 'config.json', 'modeling_own.py'])
def test_other_content_has_another_identity(folder: Path, name: str) -> None:
    before = identity(folder)
    (folder / name).write_bytes(b'WEIGHTS')
    assert identity(folder) != before


def test_files_that_no_weights_depend_on_do_not_count(folder: Path) -> None:
    before = identity(folder)
    (folder / 'README.md').write_text('A model.')
    assert identity(folder) == before


def test_files_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity(folder)

    def fail(path: Path) -> str:
        raise AssertionError(f'{path} is read again')

    monkeypatch.setattr(weights, '_read_digest', fail)
    assert identity(folder) == before


def test_weights_in_a_subfolder_are_those_that_count(folder: Path) -> None:
    inner = shutil.copytree(folder, folder / 'inner')
    before = identity(folder, subfolder='inner')
    assert before == identity(folder)
    (inner / 'model.safetensors').write_bytes(b'others')
    assert identity(folder, subfolder='inner') != before


def test_a_folder_without_weights_is_refused(folder: Path) -> None:
    (folder / 'model.safetensors').unlink()
    with pytest.raises(ValueError, match=f'{folder}: no weights there'):
        identity(folder)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub whose model has the commit c0ffee at revision v1 and none at others."""
    asked: list[dict[str, Any]] = []

    def answer(name: str, **options: Any) -> SimpleNamespace:
        asked.append(options)
        return SimpleNamespace(_commit_hash='c0ffee' if options.get('revision') == 'v1' else None)

    monkeypatch.setattr(weights.AutoConfig, 'from_pretrained', answer)
    return asked


def test_a_model_of_the_hub_is_named_by_its_commit(hub: list[dict[str, Any]]) -> None:
    llm = {'pretrained_model_name_or_path': 'org/model', 'revision': 'v1', 'torch_dtype': 'auto'}
    assert weights_identity(llm) == 'org/model@c0ffee'
    assert hub == [{'revision': 'v1'}]


def test_a_model_without_a_commit_is_refused(hub: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"org/model: its commit .*model\.reference='model'"):
        weights_identity({'pretrained_model_name_or_path': 'org/model'})
