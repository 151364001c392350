"""Vectors that are kept in a file, so that nothing is loaded or asked for them again."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.atomic import replacing
from maskdpo_xtuner.embeddings.base import Embedding
from maskdpo_xtuner.identity import identity_of


def vectors_of(
    embedding: Embedding, texts: Sequence[str], folder: Path | None
) -> NDArray[np.float64]:
    """Give the vectors of texts, those of the file in a folder where it has them.

    They are rounded to fp32 whether they are fresh or not. A server may give the same text other
    last digits the next time; what is made of the same file is the same.

    Args:
        embedding: gives what is not there.
        texts: each once.
        folder: where ``vectors-HASH.npy`` is kept, a hash of identity and texts; None for nowhere.

    Returns:
        (texts, width).

    Raises:
        ValueError: for vectors that are not one a text, of finite numbers.
    """
    identity = identity_of(embedding)
    path = folder / _name(identity, texts) if folder and identity else None
    if path and (found := _read(path)) is not None:
        return found.astype(np.float64)
    vectors = np.asarray(embedding(texts), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ValueError(
            f'the embedding {identity.get("model", "without a name")} gave an array of shape '
            f'{vectors.shape} for {len(texts)} texts, or numbers that are not finite in fp32'
        )
    if path:
        with replacing(path) as temporary, temporary.open('wb') as file:
            np.save(file, vectors)
    return vectors.astype(np.float64)


def _name(identity: dict[str, str], texts: Sequence[str]) -> str:
    content = json.dumps([identity, list(texts)], sort_keys=True)
    return f'vectors-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npy'


def _read(path: Path) -> NDArray[np.float32] | None:
    """Give what is in a file; None without one."""
    if not path.is_file():
        return None
    try:
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f'{path}: damaged ({error}); remove it, it is made again') from error
    return found


def free_memory() -> None:
    """Give the GPU memory of models that nobody holds back; another engine may want it."""
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
