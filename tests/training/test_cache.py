"""A cache that others share, or that is mounted read-only."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import datasets
import pytest

from maskdpo_xtuner.training import load_preference_pairs
from maskdpo_xtuner.training.cache import cache_file, may_read, may_write
from tests.preference_pairs import released_pair

NOBODY = 65534


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user can enter, with a cache of `datasets`, and an own one for all."""
    folder = Path(tempfile.mkdtemp())
    for name in ('shared/maskdpo_xtuner', 'own'):
        (folder / name).mkdir(parents=True)
    (folder / 'own').chmod(0o777)
    folder.chmod(0o755)
    monkeypatch.setattr(datasets.config, 'HF_DATASETS_CACHE', folder / 'shared')
    monkeypatch.setenv('MASKDPO_CACHE', str(folder / 'own'))
    yield folder
    shutil.rmtree(folder)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Be somebody who may read a folder and what is in it, and not write there."""
    user, parts = os.geteuid(), [folder, *folder.rglob('*')]
    for part in parts:
        part.chmod(0o555 if part.is_dir() else 0o444)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        for part in parts:
            part.chmod(0o755 if part.is_dir() else 0o644)


def test_files_are_read_where_they_are_and_written_where_one_may(place: Path) -> None:
    shared = place / 'shared' / 'maskdpo_xtuner'
    (shared / 'old.arrow').write_text('')
    assert cache_file('new.arrow') == shared / 'new.arrow'
    with without_rights(place / 'shared'):
        assert cache_file('old.arrow') == shared / 'old.arrow'
        assert cache_file('pairs/new.arrow') == place / 'own/training/pairs/new.arrow'
        assert cache_file('pairs/new.arrow').parent.is_dir()


def test_a_file_of_another_user_that_is_private_is_not_taken(place: Path) -> None:
    file = place / 'shared' / 'block'
    file.write_text('')
    with without_rights(place / 'shared'):
        assert may_read(file)
        assert not may_write(file.parent / 'folder')
    assert may_write(file.parent / 'folder')
    assert not may_read(place)


def test_pairs_are_read_beside_a_cache_that_cannot_be_written(place: Path) -> None:
    pairs = place / 'pairs.jsonl'
    pairs.write_text(json.dumps(released_pair()) + '\n')
    load_preference_pairs(str(pairs))  # Imports what the other user may not be able to read.
    shutil.rmtree(place / 'shared')
    (place / 'shared').mkdir()
    with without_rights(place / 'shared'):
        assert len(load_preference_pairs(str(pairs))) == 1
    assert not any((place / 'shared').rglob('*.arrow'))
