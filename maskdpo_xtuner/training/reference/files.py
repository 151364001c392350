"""Files that are there whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import datasets


def cache_folder(name: str) -> Path:
    """A folder beside the tokens in the cache of `datasets`; made where it is missing."""
    folder = Path(datasets.config.HF_DATASETS_CACHE) / 'maskdpo_xtuner' / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_atomically(path: Path, content: bytes) -> None:
    """Write under a name of its own and rename: a process that is killed leaves no half file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix='.tmp', delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
