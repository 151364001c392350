"""One progress bar a stage, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

# tqdm's own rate and time left would count what the store gives at once as work.
_ENGINE_FORMAT = '{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit} [{elapsed}{postfix}]'


def progress_bar(total: int, stage: str, unit: str, *, quiet: bool = False) -> tqdm[Any]:
    """A bar with rate and time left; ``quiet`` gives one that shows nothing."""
    return tqdm(total=total, desc=stage, unit=unit, disable=quiet, dynamic_ncols=True)


@contextmanager
def engine_bar(
    total: int, stage: str, unit: str, details: Callable[[int], str], *, quiet: bool = False
) -> Iterator[Callable[[], None]]:
    """A bar for work of an engine; gives what is to be called when a unit is done.

    Args:
        total: units of the stage.
        stage: what is done.
        unit: of what, in the plural.
        details: rates and time left, given the number of units that are left.
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
        left = total

        def advance() -> None:
            nonlocal left
            left -= 1
            if not quiet:
                bar.set_postfix_str(details(left), refresh=False)
            bar.update()

        yield advance
