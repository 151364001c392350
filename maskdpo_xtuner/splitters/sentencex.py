"""Other languages than English and Chinese, by the library sentencex (Wikimedia, MIT)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from maskdpo_xtuner.splitters.base import join_pieces


class Sentencex:
    """Sentences of some 250 languages; one that it does not know falls back to a related one."""

    languages = None

    @property
    def identity(self) -> Mapping[str, str]:
        """Name and version of the library."""
        try:
            return {'name': 'sentencex', 'version': version('sentencex')}
        except PackageNotFoundError as error:
            raise _missing() from error

    def __call__(self, text: str, language: str) -> list[tuple[int, int]]:
        """Give spans that cover the text; see `maskdpo_xtuner.splitters.Splitter`.

        Raises:
            ValueError: when the library is not installed.
        """
        try:
            import sentencex
        except ImportError as error:
            raise _missing() from error
        # It counts characters as Python does, and keeps white space with the piece before it.
        boundaries = sentencex.get_sentence_boundaries(language, text)
        return join_pieces(text, (boundary['start_index'] for boundary in boundaries))


def _missing() -> ValueError:
    return ValueError(
        "splitter='sentencex' needs the package sentencex: pip install 'maskdpo_xtuner[languages]'"
    )
