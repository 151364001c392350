"""What a tool prints, on any terminal: colours, characters, a reader that goes away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO


def wants_color(stream: TextIO) -> bool:
    """Say whether to colour what a stream gets, as https://no-color.org asks for.

    A pipe, a file and a terminal without abilities get none, and nothing does where the
    environment has a ``NO_COLOR`` that is not empty.
    """
    if os.environ.get('NO_COLOR') or os.environ.get('TERM') == 'dumb':
        return False
    return stream.isatty()


def can_show(text: str, stream: TextIO) -> bool:
    """Say whether the encoding of a stream has all characters of a text."""
    try:
        text.encode(stream.encoding or 'ascii')
    except UnicodeEncodeError:
        return False
    return True


def print_lines(lines: Iterable[str]) -> None:
    """Print to stdout until its reader, such as `head`, goes away.

    A character that the encoding of stdout lacks is written as an escape.
    """
    if hasattr(sys.stdout, 'reconfigure'):  # a notebook's has not
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
