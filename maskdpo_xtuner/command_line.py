"""What the tools' command lines share: options, and how a run ends."""

from __future__ import annotations

import argparse
import ast
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from maskdpo_xtuner.config_files import shipped

DEFAULT_CONFIG = shipped('configs') / 'data' / 'smollm2_135m_elements.py'
INTERRUPTED = 130  # what a shell reports after Ctrl-C


def key_value(text: str) -> tuple[str, Any]:
    """Read ``key=value`` of ``--cfg-options``; the value is Python where it reads as such."""
    key, equals, value = text.partition('=')
    if not equals or not key:
        raise argparse.ArgumentTypeError(f'expected KEY=VALUE, found {text!r}')
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def named_file(text: str) -> tuple[str | None, Path]:
    """Read ``NAME=FILE``; the name is None where there is a file alone."""
    name, equals, file = text.partition('=')
    if not equals:
        return None, Path(text)
    if not name or not file:
        raise argparse.ArgumentTypeError(f'expected NAME=FILE, found {text!r}')
    return name, Path(file)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the config and the options of every tool that reads one."""
    parser.add_argument(
        'config',
        nargs='?',
        default=DEFAULT_CONFIG,
        help='a file, or a name that `maskdpo list-cfg` gives',
    )
    add_replacements(parser, 'sampling.num_samples=8')
    parser.add_argument('--quiet', action='store_true', help='no progress bars')


def add_replacements(parser: argparse.ArgumentParser, example: str) -> None:
    """Add the options that replace settings of a config; ``example`` is one of them."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        type=key_value,
        default=[],
        metavar='KEY=VALUE',
        help=f'replace settings of the config, such as {example}',
    )
    parser.add_argument('--work-dir', metavar='DIR', help="replace the config's work_dir")


def run_tool(main: Callable[[], int | None]) -> None:
    """Run and exit: wrong input ends in one line on stderr, Ctrl-C says how to resume.

    So does what the system refuses: a folder without permission, a full disk. A second Ctrl-C ends
    the process at once, as it may: what was answered is stored.
    """
    try:
        with _second_interrupt_ends():
            code = main()
    except (ValueError, ModuleNotFoundError, OSError) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        print('interrupted; run the same command again to resume', file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


@contextmanager
def _second_interrupt_ends() -> Iterator[None]:
    """Interrupt at the first Ctrl-C inside of the block, and give the second its plain meaning."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        # Once it was used, what is left to do (threads to wait for) can be ended, too.
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, before)
