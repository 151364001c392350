"""Other programs that this one starts and that must not outlive it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

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
        own_session: whether Ctrl-C at the terminal does not reach it; see `pass_on`.
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


def pass_on(number: int, programs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Send a signal to programs in sessions of their own, and to all that they started."""
    for program in programs:
        if program.poll() is None:
            os.killpg(program.pid, number)


def end_of(log: Path, lines: int = 20) -> str:
    """Give the last lines of a log."""
    return '\n'.join(log.read_text(encoding='utf-8', errors='replace').splitlines()[-lines:])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
