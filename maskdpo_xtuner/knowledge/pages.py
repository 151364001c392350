"""The table ``documents(title, text)`` of an SQLite file.

The form is that of FActScore's release (Min et al. 2023, https://github.com/shmsw25/FActScore): its
``enwiki-20230401.db`` is read as it is. There a text is already cut into passages of 256 tokens of
RoBERTa, with a separator between them and the tokenizer's marks ``<s>`` and ``</s>`` within.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from maskdpo_xtuner.hashing import file_sha256

SEPARATOR = '####SPECIAL####SEPARATOR####'
_MARKS = ('<s>', '</s>')
# A larger file is known by its size and blocks of it: the released one has some 20 GB.
MOST_HASHED = 1 << 30
_BLOCKS, _BLOCK = 1024, 1 << 16


@dataclass(frozen=True)
class Page:
    """What the knowledge says about a title.

    Attributes:
        title: as the file has it.
        parts: the text as the file cuts it; a single one where it does not.
    """

    title: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return ' '.join(self.parts)


class Knowledge:
    """The pages of a file, which stays as it is.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: Path | str) -> None:
        """Open the file.

        Raises:
            ValueError: when it is missing, is no SQLite file, or has no such table.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise ValueError(
                f'{path}: there is no such file; make one with `maskdpo build-knowledge`, or get '
                "the one of FActScore's release"
            )
        place = f'{self.path.resolve().as_uri()}?mode=ro'
        # One thread at a time reads it, which need not be this one.
        self._database = sqlite3.connect(place, uri=True, check_same_thread=False)
        try:
            self._database.execute('SELECT title, text FROM documents LIMIT 1')
        except sqlite3.Error as error:
            self._database.close()
            raise ValueError(
                f'{path}: not a file of knowledge ({error}); it needs a table documents(title, '
                'text), as `maskdpo build-knowledge` makes it'
            ) from error

    def page(self, title: str) -> Page | None:
        """Give the page of exactly this title, the first of several; None without any text."""
        rows = self._database.execute(
            'SELECT text FROM documents WHERE title = ? ORDER BY rowid LIMIT 1', (title,)
        )
        parts = tuple(part for (text,) in rows for part in _parts(text))
        return Page(title, parts) if parts else None

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """The hash of the file; of a very large one its size and the hash of blocks of it."""
        size = self.path.stat().st_size
        if size <= MOST_HASHED:
            return {'knowledge_sha256': file_sha256(self.path)}
        digest = hashlib.sha256(b''.join(_some_blocks(self.path, size)))
        return {'knowledge_size': str(size), 'knowledge_blocks_sha256': digest.hexdigest()}


def _parts(text: str | None) -> Iterator[str]:
    """The passages of a text that are not blank, without the tokenizer's marks."""
    for part in (text or '').split(SEPARATOR):
        for mark in _MARKS:
            part = part.replace(mark, '')
        if part.strip():
            yield part.strip()


def _some_blocks(path: Path, size: int) -> Iterator[bytes]:
    """Blocks at equal distances; the first has SQLite's counter of changes of the file."""
    with path.open('rb') as file:
        for number in range(_BLOCKS):
            file.seek(max(size - _BLOCK, 0) * number // (_BLOCKS - 1))
            yield file.read(_BLOCK)
