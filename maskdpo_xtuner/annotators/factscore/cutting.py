"""Cutting a text into passages of a number of tokens, by a tokenizer or by words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Protocol

from maskdpo_xtuner.annotators.passages import UNSPACED

# A character of a script without blanks counts as a word.
_WORD = re.compile(rf'[{UNSPACED}]|[^\s{UNSPACED}]+')


class Cutter(Protocol):
    """Cuts a text into passages.

    Attributes:
        identity: what determines where.
    """

    identity: Mapping[str, str]

    def __call__(self, text: str) -> list[str]:
        """Give the passages, none of them blank."""
        ...


class WordCutter:
    """Cuts after every ``length`` words, as blanks make them."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.identity: Mapping[str, str] = {'passage_length': f'{length} words'}

    def __call__(self, text: str) -> list[str]:
        """Give the passages."""
        return _cut(text, [match.span() for match in _WORD.finditer(text)], self._length)


class TokenCutter:
    """Cuts after every ``length`` tokens of a tokenizer.

    FActScore's release counts the marks at the beginning and the end of each section among the
    tokens; here only those of the text count.
    """

    def __init__(self, length: int, name: str) -> None:
        """Load the tokenizer.

        Raises:
            ValueError: for one that is not there, or does not say where its tokens stand.
        """
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise ValueError(f'annotator.tokenizer: {name} cannot be loaded: {error}') from error
        if not self._tokenizer.is_fast:
            raise ValueError(f'annotator.tokenizer: {name} has no fast tokenizer')
        self._length = length
        content = self._tokenizer.backend_tokenizer.to_str().encode()
        self.identity: Mapping[str, str] = {
            'passage_length': f'{length} tokens',
            'tokenizer': name,
            'tokenizer_sha256': hashlib.sha256(content).hexdigest(),
        }

    def __call__(self, text: str) -> list[str]:
        """Give the passages."""
        encoded = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return _cut(text, encoded['offset_mapping'], self._length)


def _cut(text: str, tokens: list[tuple[int, int]], length: int) -> list[str]:
    starts = [tokens[place][0] for place in range(0, len(tokens), length)]
    ends = [*starts[1:], len(text)][: len(starts)]
    passages = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return [passage for passage in passages if passage]
