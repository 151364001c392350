"""Which passages of a page are relevant to a fact: by BM25, or by an encoder of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from maskdpo_xtuner.annotators.passages import Ranking
from maskdpo_xtuner.devices import find_device

BM25 = 'bm25'


class Ranked(Protocol):
    """The passages of a page, ready to be asked about."""

    def ranked(self, query: str) -> list[int]:
        """Give the places of all passages, the most relevant first."""
        ...


class Relevance(Protocol):
    """Prepares the passages of a page.

    Attributes:
        identity: what determines the order.
    """

    identity: Mapping[str, str]

    def __call__(self, title: str, passages: Sequence[str]) -> Ranked:
        """Prepare passages; ``title`` is that of their page."""
        ...


class Bm25Relevance:
    """By the words that a passage shares with the query, see `Ranking`."""

    identity: Mapping[str, str] = {'retrieval': BM25}

    def __call__(self, title: str, passages: Sequence[str]) -> Ranked:
        """Index passages."""
        return Ranking(passages)


class EncoderRelevance:
    """By a model of sentence-transformers; FActScore's release has ``gtr-t5-large``.

    As there, a passage is encoded behind its title, and the inner product decides.
    """

    def __init__(self, model: str, device: str | None = None) -> None:
        """Load the model.

        Raises:
            ValueError: when the package is not installed, or the model is not there.
        """
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ValueError(
                f'annotator.retrieval={model!r} needs sentence-transformers: install it (`pip '
                f"install sentence-transformers`), or take annotator.retrieval='{BM25}'"
            ) from error
        try:
            device = device and find_device(device)
            self._model: Any = SentenceTransformer(model, device=device)
        except (OSError, ValueError) as error:
            raise ValueError(f'annotator.retrieval: {model} cannot be loaded: {error}') from error
        self.identity: Mapping[str, str] = {'retrieval': model}

    def __call__(self, title: str, passages: Sequence[str]) -> Ranked:
        """Encode passages."""
        vectors = self._model.encode([f'{title} {passage}' for passage in passages])
        return _Encoded(self._model, vectors)


class _Encoded:
    def __init__(self, model: Any, vectors: Any) -> None:
        self._model, self._vectors = model, vectors

    def ranked(self, query: str) -> list[int]:
        """Give the places of all passages, the most relevant first; equal ones as they stand."""
        scores = self._vectors @ self._model.encode([query])[0]
        return sorted(range(len(scores)), key=lambda place: (-float(scores[place]), place))


def relevance_of(retrieval: str, device: str | None = None) -> Relevance:
    """Give what a config names: ``bm25``, or a model of sentence-transformers.

    Raises:
        ValueError: as of `EncoderRelevance`.
    """
    return Bm25Relevance() if retrieval == BM25 else EncoderRelevance(retrieval, device)
