"""The parser of a command, without running the command: what its options are is said once."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_OPTION = re.compile(r'(?<![\w-])--[a-z][\w-]*')


class _FoundError(Exception):
    """Carries a parser out of the command that was about to use it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parser_of(main: Callable[[], object]) -> argparse.ArgumentParser:
    """Give the parser with which a command reads its arguments.

    A command makes its parser when it runs, so it is run as far as the call of ``parse_args``.

    Raises:
        ValueError: for a command that parses nothing.
    """
    try:
        with _parsing_stops():
            main()
    except _FoundError as found:
        return found.parser
    raise ValueError(f'{main} does not read its arguments by argparse')


@contextmanager
def _parsing_stops() -> Iterator[None]:
    def stop(self: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> None:
        raise _FoundError(self)

    original = argparse.ArgumentParser.parse_known_args
    argparse.ArgumentParser.parse_known_args = stop  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        argparse.ArgumentParser.parse_known_args = original  # type: ignore[method-assign]


def options_in(usage: str) -> list[str]:
    """Give the options that the text of a help names, where another program parses them."""
    return list(dict.fromkeys(_OPTION.findall(usage)))
