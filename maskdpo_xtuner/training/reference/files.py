"""Where files are kept that are made once for a data set."""

from __future__ import annotations

from pathlib import Path

import datasets


def cache_folder(name: str) -> Path:
    """A folder beside the tokens in the cache of `datasets`; made where it is missing."""
    folder = Path(datasets.config.HF_DATASETS_CACHE) / 'maskdpo_xtuner' / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
