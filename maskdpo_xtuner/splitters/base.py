"""What every splitter is: text and language in, spans that together cover the text out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

_WORD = re.compile(r'[^\W_]')


class Splitter(Protocol):
    """Splits text into the pieces that get a verdict each.

    Attributes:
        identity: what determines the spans (name, version); {} cannot be told from another.
        languages: codes of the languages that it splits; None for any.
    """

    @property
    def identity(self) -> Mapping[str, str]: ...

    @property
    def languages(self) -> Collection[str] | None: ...

    def __call__(self, text: str, language: str) -> list[tuple[int, int]]:
        """Give spans ``[start, end)``: in order, not empty, covering every character.

        Raises:
            ValueError: for a language that it does not split.
        """
        ...


def split_words(words: str) -> frozenset[str]:
    """Give the words of a line, for a set that is looked up in."""
    return frozenset(words.split())


def join_pieces(text: str, starts: Iterable[int]) -> list[tuple[int, int]]:
    """Make spans of where pieces start; one without letter or digit joins the one before it.

    So does what stands before the first word the first piece with one.
    """
    if not text:
        return []
    bounds = [*starts, len(text)]
    merged, found_word = [0], False
    for start, end in zip(bounds, bounds[1:], strict=False):
        has_word = _WORD.search(text, start, end) is not None
        if has_word and found_word:
            merged.append(start)
        found_word = found_word or has_word
    return list(zip(merged, [*merged[1:], len(text)], strict=True))
