"""Questions about invented topics, and an embedding whose vectors are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from maskdpo_xtuner.embeddings.base import Embedding
from maskdpo_xtuner.embeddings.settings import EmbeddingSettings
from maskdpo_xtuner.subsets import Asked, SubsetSettings
from maskdpo_xtuner.subsets.settings import SubsetChoice

PLACES = {
    'tin': 1.0,
    'lead': 2.0,
    'zinc': 4.0,
    'mars': 11.0,
    'venus': 12.0,
    'pluto': 16.0,
    'iron': 0.0,
    'earth': 10.0,
}
ASKED: list[str] = []


class Line(EmbeddingSettings):
    """Names on a line; what was asked is noted."""

    def build(self) -> Embedding:
        return _Line()


class _Line:
    identity = {'model': 'line', 'revision': '1'}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        ASKED.extend(texts)
        return np.array([[PLACES[text.rpartition(' ')[2].rstrip('?')], 0.0] for text in texts])


LINE = {'type': f'{__name__}.Line'}
_SUBSET: TypeAdapter[Any] = TypeAdapter(SubsetChoice)


def subset(kind: str, **values: Any) -> SubsetSettings:
    """Settings as a config has them."""
    found: SubsetSettings = _SUBSET.validate_python({'type': kind, **values})
    return found


def about(*topics: str, questions: int = 3) -> list[Asked]:
    """So many questions on each topic, topic by topic."""
    return [
        Asked(f'{topic}-{n}', f'{n}: what is {topic}?', topic)
        for topic in topics
        for n in range(questions)
    ]
