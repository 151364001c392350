"""The rows of a store: a completion, and a checksum by which damage is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import xxhash

from maskdpo_xtuner.engines.base import Completion, Origin
from maskdpo_xtuner.records import FinishReason

# The order in which rows are read; the checksum is over all but itself.
CONTENT = ('key', 'text', 'finish_reason', 'prompt_tokens', 'completion_tokens', 'reasoning')
COLUMNS = (*CONTENT, 'checksum', 'created', 'origin')
# SQLite's function of a row; texts as the bytes that they are, for they may be damaged.
CHECKSUM = (
    'row_checksum(key, CAST(text AS BLOB), CAST(finish_reason AS BLOB), '
    'prompt_tokens, completion_tokens, CAST(reasoning AS BLOB))'
)
# Stands for a count that nobody made.
UNKNOWN = -1


def checksum(*content: Any) -> bytes:
    """Hash of the `CONTENT` of a row, texts as bytes: 8 bytes of XXH3."""
    parts = [value if isinstance(value, bytes) else repr(value).encode() for value in content]
    return xxhash.xxh3_64_digest(b''.join([repr(list(map(len, parts))).encode(), *parts]))


def row_of(key: bytes, completion: Completion) -> tuple[Any, ...]:
    """Give what is stored, up to the checksum.

    Raises:
        UnicodeEncodeError: for a text that is not Unicode.
    """
    c, reasoning = completion, completion.reasoning
    counts = [UNKNOWN if n is None else n for n in (c.prompt_tokens, c.completion_tokens)]
    thoughts = None if reasoning is None else reasoning.encode()
    hashed = checksum(key, c.text.encode(), c.finish_reason.encode(), *counts, thoughts)
    return (key, c.text, c.finish_reason, *counts, reasoning, hashed)


def read_row(row: Sequence[Any], origin: Origin | None) -> Completion | None:
    """Give the completion of a row that was read with texts as bytes; None for a damaged one."""
    *content, hashed = row
    if checksum(*content) != hashed:
        return None
    _, text, finish_reason, prompt, completion, reasoning = content
    try:
        return Completion(
            text.decode(),
            cast(FinishReason, finish_reason.decode()),
            _count(prompt),
            _count(completion),
            None if reasoning is None else reasoning.decode(),
            origin=origin,
        )
    except (UnicodeDecodeError, AttributeError):  # Stored before there were checksums.
        return None


def _count(stored: int) -> int | None:
    return stored if stored >= 0 else None
