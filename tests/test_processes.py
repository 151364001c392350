"""Programs that do not outlive the one that started them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from maskdpo_xtuner.processes import end_of, interrupt, run, start

DEAF = 'trap "" INT; echo ready; sleep 60 & wait'


def test_what_a_program_ends_with_comes_back() -> None:
    assert run([sys.executable, '-S', '-c', 'raise SystemExit(7)']) == 7


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    path = tmp_path / 'log'
    with path.open('w') as log:
        program = start(['sh', '-c', 'echo "$A"; echo b >&2'], {'A': 'a'}, log=log)
        assert program.wait() == 0
    assert end_of(path) == 'a\nb'
    assert end_of(path, lines=1) == 'b'


def test_a_program_that_is_deaf_to_an_interrupt_is_terminated(tmp_path: Path) -> None:
    path = tmp_path / 'log'
    with path.open('w') as log:
        program = start(['bash', '-c', DEAF], log=log, own_session=True)
        while 'ready' not in path.read_text():
            assert program.poll() is None
        interrupt([program], patience=0.2)
    assert program.returncode == -signal.SIGTERM
