"""Other programs that this one starts and that must not outlive it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PATIENCE = 30.0
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def start(
    command: Sequence[str],
    variables: Mapping[str, str] | None = None,
    *,
    log: IO[str] | None = None,
    keeps: Sequence[int] = (),
    own_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when this one is gone, killed or not.

    Args:
        command: and its arguments.
        variables: of the environment, beside those of this process.
        log: where its output goes; None: where that of this process goes.
        keeps: file descriptors that stay open in it, such as that of a lock.
        own_session: whether Ctrl-C at the terminal does not reach it; see `interrupt`.
    """
    return subprocess.Popen(
        command,
        env={**os.environ, **(variables or {})},
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        pass_fds=tuple(keeps),
        start_new_session=own_session,
        preexec_fn=_end_with_parent,
    )


def run(command: Sequence[str]) -> int:
    """Run a program as `start` does; gives what it ended with."""
    return start(command).wait()


def interrupt(programs: Sequence[subprocess.Popen[bytes]], patience: float = PATIENCE) -> None:
    """End programs in sessions of their own, and all that they started, as Ctrl-C does.

    Those that have not ended after ``patience`` seconds get SIGTERM; `srun` asks for that.
    """
    _send(signal.SIGINT, programs)
    end = time.monotonic() + patience
    while time.monotonic() < end and any(program.poll() is None for program in programs):
        time.sleep(0.05)
    _send(signal.SIGTERM, programs)
    for program in programs:
        program.wait()


def _send(number: int, programs: Sequence[subprocess.Popen[bytes]]) -> None:
    for program in programs:
        if program.poll() is None:
            os.killpg(program.pid, number)


def end_of(log: Path, lines: int = 20) -> str:
    """Give the last lines of a log."""
    return '\n'.join(log.read_text(encoding='utf-8', errors='replace').splitlines()[-lines:])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
