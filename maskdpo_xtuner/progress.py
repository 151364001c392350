"""One progress bar a stage, on stderr."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm


def progress_bar(total: int, stage: str, unit: str, *, quiet: bool = False) -> tqdm[Any]:
    """A bar with rate and time left; ``quiet`` gives one that shows nothing."""
    return tqdm(total=total, desc=stage, unit=unit, disable=quiet, dynamic_ncols=True)
