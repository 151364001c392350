"""What the cache folder remembers, and when it does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdpo_xtuner.builtin import elements
from maskdpo_xtuner.builtin.remembering import remembered, rows_of_package
from maskdpo_xtuner.builtin.tables import build_questions


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('MASKDPO_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


class Maker:
    """Makes another result each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


def test_a_result_is_made_once_for_a_state() -> None:
    make = Maker()
    states: list[dict[str, Any]] = [{'size': 1}, {'size': 1}, {'size': 2}, {'size': 2}]
    assert [remembered('kind', 'name', state, make) for state in states] == [1, 1, 2, 2]


def test_names_do_not_answer_for_each_other() -> None:
    make = Maker()
    assert [remembered('kind', name, {}, make) for name in ('a', 'b', 'a')] == [1, 2, 1]


@pytest.mark.parametrize('content', [b'', b'{"name": "na', b'[]', b'\xff'])
def test_a_damaged_file_is_made_again(cache: Path, content: bytes) -> None:
    make = Maker()
    remembered('kind', 'name', {}, make)
    (path,) = cache.rglob('*.json')
    path.write_bytes(content)
    assert remembered('kind', 'name', {}, make) == 2
    assert remembered('kind', 'name', {}, make) == 2


def test_a_folder_that_cannot_be_written_costs_time_only(cache: Path) -> None:
    make = Maker()
    cache.write_text('a file stands where the folder would')
    assert [remembered('kind', 'name', {}, make) for _ in range(2)] == [1, 2]


def test_what_the_maker_raises_is_raised_and_not_kept() -> None:
    def fail() -> int:
        raise ValueError('no')

    with pytest.raises(ValueError, match='no'):
        remembered('kind', 'name', {}, fail)
    assert remembered('kind', 'name', {}, lambda: 5) == 5


def test_rows_are_the_same_the_first_time_and_later() -> None:
    row = {'year': np.int64(1817), 'weight': np.float64(6.94), 'gap': math.nan, 'on': date.min}
    calls = Maker()

    @rows_of_package('numpy')
    def rows() -> list[dict[str, object]]:
        calls()
        return [row]

    first, second = rows(), rows()
    assert json.dumps(first) == json.dumps(second)
    assert {name: str(value) for name, value in first[0].items()} == {
        name: str(value) for name, value in row.items()
    }
    assert calls.calls == 1


def test_another_version_of_the_package_makes_rows_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker()
    rows = rows_of_package('numpy')(as_rows(make))
    rows()
    monkeypatch.setattr('maskdpo_xtuner.builtin.remembering.version', lambda package: '0')
    assert rows() == [{'call': 2}]


def as_rows(make: Maker) -> Callable[[], list[dict[str, object]]]:
    return lambda: [{'call': make()}]


def test_questions_from_remembered_rows_are_those_of_the_package() -> None:
    made = elements.element_rows.__wrapped__()  # type: ignore[attr-defined]
    expected = build_questions(elements.ELEMENTS, made, 'train')
    for _ in range(2):
        rows = elements.element_rows()
        assert build_questions(elements.ELEMENTS, rows, 'train') == expected
