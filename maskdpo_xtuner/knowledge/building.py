"""Making a file of knowledge out of JSON lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pydantic import Field, field_validator

from maskdpo_xtuner.atomic import replacing
from maskdpo_xtuner.jsonl import parse_record, read_objects, read_questions
from maskdpo_xtuner.records import Record

_SCHEMA = 'CREATE TABLE documents (title PRIMARY KEY, text)'


class PageRecord(Record):
    """A line of a file of pages; ``text`` may be a list of sections, as FActScore's release has."""

    title: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @field_validator('text', mode='before')
    @classmethod
    def _join_sections(cls, text: object) -> object:
        if isinstance(text, list) and all(isinstance(section, str) for section in text):
            return '\n'.join(text)
        return text


def read_pages(path: Path | str) -> Iterator[PageRecord]:
    """Read the pages of a file, or the documents of a question file under their topics.

    A line with a ``title`` is a page; a file whose first line has none is one of questions. Of the
    documents on a topic, equal ones are given once.

    Raises:
        ValueError: naming file, line and field.
    """
    lines = read_objects(path)
    if 'title' not in next(lines)[1]:
        pairs = dict.fromkeys((q.topic, q.document) for q in read_questions(path))
        yield from (PageRecord(title=topic, text=text) for topic, text in pairs)
        return
    for number, value in read_objects(path):
        yield parse_record(PageRecord, value, path, number)


def build_knowledge(path: Path | str, pages: Iterable[PageRecord]) -> tuple[int, int]:
    """Write pages to a new file, which replaces ``path`` when all are there.

    Returns:
        How many were written, and how many were left out because an earlier one has their title
        (as FActScore's release does).

    Raises:
        ValueError: for no pages at all.
    """
    written = repeated = 0
    with replacing(path) as temporary:
        with closing(sqlite3.connect(temporary)) as database, database:
            database.execute(_SCHEMA)
            for page in pages:
                added = database.execute(
                    'INSERT OR IGNORE INTO documents VALUES (?, ?)', (page.title, page.text)
                ).rowcount
                written, repeated = written + added, repeated + 1 - added
        if not written:
            raise ValueError(f'{path}: there are no pages to write')
    return written, repeated
