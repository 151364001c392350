"""One progress bar a stage, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Thread
from typing import Any

from tqdm import tqdm

# tqdm's own rate and time left would count what the store gives at once as work.
_ENGINE_FORMAT = '{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit} [{elapsed}{postfix}]'

# Seconds between two looks at a call that takes long; in a file, each would be a line.
_TICK, _TICK_IN_FILE = 2.0, 30.0


def progress_bar(total: int, stage: str, unit: str, *, quiet: bool = False) -> tqdm[Any]:
    """A bar with rate and time left; ``quiet`` gives one that shows nothing."""
    return tqdm(total=total, desc=stage, unit=unit, disable=quiet, dynamic_ncols=True)


@contextmanager
def engine_bar(
    total: int,
    stage: str,
    unit: str,
    details: Callable[[int], str],
    *,
    in_call: Callable[[], str] = str,
    quiet: bool = False,
) -> Iterator[Callable[[], None]]:
    """A bar for work of an engine; gives what is to be called when a unit is done.

    Args:
        total: units of the stage.
        stage: what is done.
        unit: of what, in the plural.
        details: rates and time left, given the number of units that are left.
        in_call: how far the engine is with what it works on; asked by a thread of its own.
        quiet: show nothing.
    """
    with tqdm(
        total=total,
        desc=stage,
        unit=unit,
        disable=quiet,
        dynamic_ncols=True,
        bar_format=_ENGINE_FORMAT,
    ) as bar:
        left, shown = total, ''

        def advance() -> None:
            nonlocal left, shown
            left -= 1
            if not quiet:
                shown = details(left)
                bar.set_postfix_str(shown, refresh=False)
            bar.update()

        def look() -> None:
            if said := in_call():
                bar.set_postfix_str(', '.join(filter(None, [shown, said])))

        seconds = _TICK if sys.stderr.isatty() else _TICK_IN_FILE
        with nullcontext() if quiet else _every(seconds, look):
            yield advance


@contextmanager
def _every(seconds: float, do: Callable[[], object]) -> Iterator[None]:
    """Do something again and again, in a thread, while the block runs."""
    ended = Event()

    def work() -> None:
        while not ended.wait(seconds):
            do()

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
