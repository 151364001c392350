"""Spans that were marked elsewhere: a JSON lines file."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.hashing import file_sha256
from maskdpo_xtuner.jsonl import RecordError, parse_record, read_objects
from maskdpo_xtuner.records import QuestionId, Record


class Span(Record):
    """Characters ``[start, end)`` of an answer that are marked, and how surely (0 to 1)."""

    start: int = Field(ge=0)
    end: int
    text: str
    confidence: float = Field(default=1.0, ge=0, le=1)


class ResponseSpans(Record):
    """The marked spans of an answer, which may be none: a line of the file.

    A line of ``responses.jsonl`` with ``spans`` added is one; its other keys are not read.
    """

    question_id: QuestionId
    text: str
    spans: tuple[Span, ...]

    @model_validator(mode='after')
    def _check(self) -> Self:
        for span in self.spans:
            if self.text[span.start : span.end] != span.text or not span.text:
                raise ValueError(
                    f'the span {span.text!r} does not stand at [{span.start}, {span.end}) of the '
                    'answer; spans count characters of `text`'
                )
        return self


class SpanFile:
    """The marked spans by question and text of the answer.

    Attributes:
        identity: hash of the file.
    """

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ValueError: naming file, line and field, also for an answer with two sets of spans.
        """
        self.path = path
        self._spans: dict[tuple[str, str], tuple[Span, ...]] = {}
        for number, value in read_objects(path):
            marked = parse_record(ResponseSpans, value, path, number)
            key = marked.question_id, marked.text
            if self._spans.setdefault(key, marked.spans) != marked.spans:
                raise RecordError(path, number, 'this answer stands above with other spans')
        self.identity = {'spans_sha256': file_sha256(path)}

    def get(self, question_id: str, text: str) -> tuple[Span, ...] | None:
        """The spans of an answer; None when the file does not have it."""
        return self._spans.get((question_id, text))
