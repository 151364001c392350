import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import RecordError
from maskdpo_xtuner.reports.curves import read_curves

LINES = [
    {'lr': 1e-6, 'loss': 0.69, 'rewards/margins': 0.0, 'step': 1},
    {'lr': 2e-6, 'loss': 0.5, 'step': 2},
    {'memory': 7, 'step': 2},
]


def write(path: Path, lines: Sequence[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def test_scalars_that_were_logged_become_curves(tmp_path: Path) -> None:
    path = write(tmp_path / 'scalars.json', LINES)
    assert read_curves(path) == {'loss': [(1, 0.69), (2, 0.5)], 'rewards/margins': [(1, 0.0)]}


def test_a_work_dir_gives_its_latest_run(tmp_path: Path) -> None:
    write(tmp_path / '20240101_000000' / 'vis_data' / 'scalars.json', LINES)
    write(tmp_path / '20240102_000000' / 'vis_data' / 'scalars.json', LINES[1:])
    assert read_curves(tmp_path) == {'loss': [(2, 0.5)]}


def test_the_likelihood_of_the_chosen_is_shown(tmp_path: Path) -> None:
    names = ['nll', 'token_logps/chosen_shift', 'token_logps/rejected_shift']
    lines = [{**dict.fromkeys(names, -0.1), 'logps/chosen': -40.0, 'step': 1}]
    assert list(read_curves(write(tmp_path / 'scalars.json', lines))) == names


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match='there is no'):
        read_curves(tmp_path)
    with pytest.raises(RecordError, match='none of loss'):
        read_curves(write(tmp_path / 'scalars.json', LINES[2:]))
    with pytest.raises(RecordError, match=r'scalars\.json:1: field "step"'):
        read_curves(write(tmp_path / 'scalars.json', [{'loss': 1.0}]))


def test_values_that_are_not_finite_are_kept(tmp_path: Path) -> None:
    path = tmp_path / 'scalars.json'
    path.write_text('{"loss": NaN, "step": 1}\n{"loss": null, "step": 2}\n{"loss": 1, "step": 3}\n')
    (first, second, third) = read_curves(path)['loss']
    assert math.isnan(first[1])
    assert math.isnan(second[1])
    assert third == (3, 1)
