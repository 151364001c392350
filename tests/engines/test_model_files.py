"""The hash of a model folder: its content, remembered where that is safe."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from maskdpo_xtuner.engines import model_files
from maskdpo_xtuner.engines.model_files import digest_folder
from maskdpo_xtuner.hashing import file_sha256

HOUR = 3600


@pytest.fixture
def hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose content was read."""
    names: list[str] = []

    def read(path: Path) -> str:
        names.append(path.name)
        return file_sha256(path)

    monkeypatch.setenv('MASKDPO_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(model_files, 'file_sha256', read)
    monkeypatch.setattr(model_files, 'WORTH_REMEMBERING', 100)
    pass_time(monkeypatch)
    return names


def pass_time(monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time_ns() + HOUR * 10**9
    monkeypatch.setattr(time, 'time_ns', lambda: later)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / 'model'
    folder.mkdir()
    (folder / 'config.json').write_text('{}')
    (folder / 'model.safetensors').write_bytes(b'0' * 200)
    return folder


def test_a_large_file_is_read_once(folder: Path, hashed: list[str]) -> None:
    assert digest_folder(folder) == digest_folder(folder)
    assert sorted(hashed) == ['config.json', 'config.json', 'model.safetensors']


def test_a_file_that_is_written_again_has_another_hash_whatever_its_times_say(
    folder: Path, hashed: list[str]
) -> None:
    before = digest_folder(folder)
    weights = folder / 'model.safetensors'
    times = weights.stat()
    weights.write_bytes(b'0' * 199 + b'1')
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digest_folder(folder) != before


def test_a_file_that_takes_the_place_of_another_has_its_own_hash(
    folder: Path, hashed: list[str]
) -> None:
    before = digest_folder(folder)
    other = folder.parent / 'other'
    other.write_bytes(b'1' * 200)
    other.replace(folder / 'model.safetensors')
    assert digest_folder(folder) != before


def test_a_file_that_was_written_just_now_is_not_remembered(
    folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, 'time_ns', lambda: (folder / 'model.safetensors').stat().st_mtime_ns)
    digest_folder(folder)
    pass_time(monkeypatch)
    digest_folder(folder)
    digest_folder(folder)
    assert hashed.count('model.safetensors') == 2
