"""Where files are kept that are made once for a data set.

That is a folder in the cache of `datasets`, which others may share and not let us write to; what is
missing there then goes to a folder of one's own.
"""

from __future__ import annotations

import os
from pathlib import Path

import datasets

from maskdpo_xtuner.builtin.wheels import cache_dir


def shared_cache() -> Path:
    """The folder beside the tokens in the cache of `datasets`."""
    return Path(datasets.config.HF_DATASETS_CACHE) / 'maskdpo_xtuner'


def own_cache() -> Path:
    """The folder that takes its place where it cannot be written to."""
    return cache_dir() / 'training'


def may_write(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or the folder itself."""
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE)


def may_read(file: Path) -> bool:
    """Tell whether a file is there for us."""
    return file.is_file() and os.access(file, os.R_OK, effective_ids=_EFFECTIVE)


def cache_file(name: str) -> Path:
    """Find a file in the shared cache, or where it can be made; its folder is there then.

    Args:
        name: path below the cache.
    """
    file = shared_cache() / name
    if not may_read(file) and not may_write(file.parent):
        file = own_cache() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


_EFFECTIVE = os.access in os.supports_effective_ids
