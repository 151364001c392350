"""What tells the weights of two models apart: the content of their files, or the hub's commit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xxhash
from transformers import AutoConfig

from maskdpo_xtuner.training.reference.files import cache_folder, write_atomically

WEIGHT_FILES = ('*.safetensors', '*.bin', '*.gguf')
SHAPE_FILES = ('config.json', '*.index.json', '*.py')
BLOCK = 1 << 22


def weights_identity(llm: Mapping[str, Any]) -> str:
    """Name the weights that a config of a language model loads.

    Args:
        llm: options of ``from_pretrained``.

    Returns:
        A hash of names and contents of the model files in a folder, or name and commit on the hub.

    Raises:
        ValueError: for a folder without weights, and a name that the hub gives no commit for.
    """
    name = llm['pretrained_model_name_or_path']
    if Path(name).is_dir():
        return _folder_digest(Path(name, llm.get('subfolder', '')))
    options = {key: llm[key] for key in ('revision', 'trust_remote_code') if key in llm}
    commit = AutoConfig.from_pretrained(name, **options)._commit_hash
    if commit is None:
        raise ValueError(
            f'{name}: its commit is not known, so that stored reference log-probabilities could '
            'not be told from those of other weights; name a local folder of the model, or set '
            "model.reference='model'"
        )
    return f'{name}@{commit}'


def _folder_digest(folder: Path) -> str:
    if not any(True for pattern in WEIGHT_FILES for _ in folder.glob(pattern)):
        raise ValueError(f'{folder}: no weights there ({", ".join(WEIGHT_FILES)}); check the path')
    files = {path for pattern in (*WEIGHT_FILES, *SHAPE_FILES) for path in folder.glob(pattern)}
    digest = xxhash.xxh3_128()
    for path in sorted(files):
        digest.update(f'{path.name}\0{_file_digest(path)}\0'.encode())
    return digest.hexdigest()


def _file_digest(path: Path) -> str:
    """The hash of a file; remembered, so that 16 GB are not read at every start."""
    stat = path.stat()
    seen = f'{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}'
    memory = cache_folder('digests') / xxhash.xxh3_128_hexdigest(seen.encode())
    if not memory.is_file():
        write_atomically(memory, _read_digest(path).encode())
    return memory.read_text(encoding='utf-8')


def _read_digest(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open('rb') as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
