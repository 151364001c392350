"""The record files that the stages leave in a work dir for each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

from maskdpo_xtuner.jsonl import AnyRecord, read_records
from maskdpo_xtuner.records import Record

Stage = Literal['sampling', 'annotation']
ASKED_FILE = 'asked.jsonl'
"""The questions of a work dir, with their documents."""


class FailureRecord(Record):
    """A request without an answer, as ``failures.jsonl`` lists it.

    The next run asks it again. One that is ``final`` would fail again, and counts as ``no answer``.

    A sample that the engine could not give, or, with its ``span`` in the answer, a sentence
    without a verdict because the annotator's engine failed. ``reason`` is the engine's.
    """

    stage: Stage
    question_id: str
    sample_index: int
    span: tuple[int, int] | None = None
    reason: str
    final: bool = False


def write_line(file: TextIO, record: Record) -> None:
    """Add a record to an open file."""
    file.write(record.model_dump_json() + '\n')


def read_lines(path: Path, model: type[AnyRecord]) -> Iterator[AnyRecord]:
    """Stream the records of a file that a stage wrote; unlike a user's, it may hold none."""
    if path.stat().st_size:
        yield from read_records(path, model)
