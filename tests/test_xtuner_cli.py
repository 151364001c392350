from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner.xtuner_cli import XTunerError, run_xtuner


@pytest.fixture
def xtuner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a shell script stand for ``xtuner``, beside the Python that runs."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    monkeypatch.setattr(sys, 'executable', str(folder / 'python'))

    def write(script: str) -> None:
        (folder / 'xtuner').write_text(f'#!/bin/sh\n{script}\n')
        (folder / 'xtuner').chmod(0o755)

    return write


def test_a_run_that_writes_what_is_expected_passes(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('echo "$@" > "$TARGET"; echo said; echo warned >&2')
    target = tmp_path / 'work' / 'iter_2.pth'
    log = tmp_path / 'log.txt'
    target.parent.mkdir()
    run_xtuner(['train', Path('c.py')], target, log=log, env={'TARGET': str(target)})
    assert target.read_text() == 'train c.py\n'
    assert log.read_text() == 'said\nwarned\n'


def test_a_run_that_writes_nothing_fails_with_the_end_of_its_output_though_it_exits_0(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('for i in $(seq 100); do echo "line $i"; done; echo "ValueError: no pairs" >&2; exit 0')
    with pytest.raises(XTunerError) as error:
        run_xtuner(['train', 'c.py'], tmp_path / 'new' / 'iter_2.pth')
    text = str(error.value)
    assert 'xtuner train c.py' in text
    assert text.endswith('line 100\nValueError: no pairs')
    assert 'line 10\n' not in text


def test_what_an_earlier_run_left_does_not_count(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('true')
    checkpoint = tmp_path / 'iter_2.pth'
    checkpoint.mkdir()
    (checkpoint / 'states.pt').write_text('old')
    with pytest.raises(XTunerError):
        run_xtuner(['train'], checkpoint)


def test_a_file_written_anew_inside_a_checkpoint_folder_counts(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    checkpoint = tmp_path / 'iter_2.pth'
    checkpoint.mkdir()
    (checkpoint / 'states.pt').write_text('old')
    os.utime(checkpoint / 'states.pt', (0, 0))
    xtuner(f'echo new > {checkpoint}/states.pt')
    run_xtuner(['train'], checkpoint)
    assert (checkpoint / 'states.pt').read_text() == 'new\n'


def test_the_python_that_xtuner_starts_is_the_one_that_runs(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('echo "$PATH" > "$TARGET"')
    target = tmp_path / 'path'
    run_xtuner([], target, env={'TARGET': str(target)})
    assert target.read_text().split(':')[0] == str(tmp_path / 'bin')
