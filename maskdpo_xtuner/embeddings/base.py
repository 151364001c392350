"""What every embedding is: texts in, vectors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Metric = Literal['euclidean', 'cosine']
LAST = -1
"""The last hidden layer: what a model's head reads, after its last norm."""


class Embedding(Protocol):
    """Gives texts their vectors."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What determines the vectors (model, revision, layer, ...); without it none are kept."""
        ...

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give (texts, width), all finite."""
        ...
