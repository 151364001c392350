"""Pairs out of files, work dirs and data sets."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from maskdpo_xtuner.forms import read_pairs, write_pairs
from maskdpo_xtuner.jsonl import RecordError
from maskdpo_xtuner.records import PreferencePair
from tests.evaluation.answers import answer
from tests.preference_pairs import released_pair
from tests.reports.pair_records import pair

PAIRS = [
    pair(answer('tin', 0, '+u'), answer('tin', 1, 'c')),
    PreferencePair.model_validate(released_pair()),
]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, 'HF_DATASETS_CACHE', tmp_path / 'cache')


@pytest.mark.parametrize('form', ['ours', 'trl', 'swift'])
def test_a_data_set_in_a_folder_gives_the_pairs_that_were_written(
    tmp_path: Path, form: str
) -> None:
    folder = tmp_path / 'hub' / form
    write_pairs(folder / 'train.jsonl', PAIRS, form)  # type: ignore[arg-type]
    write_pairs(folder / 'test.jsonl', PAIRS[:1], form)  # type: ignore[arg-type]
    assert list(read_pairs(str(folder))) == PAIRS
    assert list(read_pairs(str(folder), split='test')) == PAIRS[:1]


def test_a_bad_row_of_a_data_set_is_named_by_its_number(tmp_path: Path) -> None:
    folder = tmp_path / 'hub'
    folder.mkdir()
    rows = [{'prompt': 'a', 'chosen': 'b', 'rejected': text} for text in ('c', ' ')]
    (folder / 'train.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    with pytest.raises(RecordError, match='hub, train:2: .*the response is empty'):
        list(read_pairs(str(folder)))


def test_a_work_dir_stands_for_its_pairs(tmp_path: Path) -> None:
    write_pairs(tmp_path / 'pairs.jsonl', PAIRS, 'ours')
    assert list(read_pairs(str(tmp_path))) == PAIRS


def test_pairs_with_something_left_out_are_counted(tmp_path: Path) -> None:
    path = tmp_path / 'pairs.jsonl'
    rows = [released_pair(), released_pair(images=['a.png'], id=7), released_pair(id=8)]
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    left_out: Counter[str] = Counter()
    assert len(list(read_pairs(str(path), left_out))) == 3
    assert left_out == {'id': 2, 'images': 1}


@pytest.mark.parametrize('name', ['nowhere.jsonl', './nowhere'])
def test_what_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ValueError, match='nowhere'):
        list(read_pairs(name))


def test_half_a_character_is_named_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / 'pairs.jsonl'
    whole = {'prompt': 'p', 'chosen': 'Gold \U0001f947', 'rejected': 'b'}
    half = {**whole, 'rejected': 'a \ud83e'}
    path.write_text(f'{json.dumps(whole)}\n{json.dumps(half)}\n')
    pairs = read_pairs(str(path))
    assert next(pairs).chosen[0].content == 'Gold \U0001f947'
    with pytest.raises(
        RecordError, match=r'pairs\.jsonl:2: field "rejected": "\\ud83e" is one half'
    ):
        next(pairs)


def test_pairs_are_read_out_of_gzip(tmp_path: Path) -> None:
    path = tmp_path / 'pairs.jsonl.gz'
    path.write_bytes(gzip.compress(PAIRS[0].model_dump_json().encode()))
    assert list(read_pairs(str(path))) == PAIRS[:1]
