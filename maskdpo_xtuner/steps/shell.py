"""Run lines of a shell in a session of their own, and leave nothing of them at work.

A shell that is ended leaves its pipes and what it has put into the background, and that is deaf to
Ctrl-C. So this stands above it: when the shell ends, or this is told to end, all of the session
ends. It is run as a file, without the package.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType


def main() -> int:
    """Run the lines that are the only argument; give what the shell ended with."""
    signal.signal(signal.SIGINT, _hear)  # The shell gets it, too; its end is waited for.
    signal.signal(signal.SIGTERM, _end_all)
    shell = subprocess.Popen(['bash', '-euo', 'pipefail', '-c', sys.argv[1]], close_fds=False)
    status = shell.wait()
    _end_all()
    return status if status >= 0 else 128 - status


def _hear(number: int, frame: FrameType | None) -> None:
    """Take no notice; unlike SIG_IGN it is not passed on to the shell."""


def _end_all(number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == '__main__':
    sys.exit(main())
