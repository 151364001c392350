"""Spans that people marked, in one file of questions with their responses.

A line has ``question_id``, ``question``, ``document``, ``language``, may have ``topic``, and has
``responses``: each with ``text``, ``hallucination_spans`` (``start``, ``end``, and ``type`` as
RAGTruth has it) and may have ``model``. Spans without a ``type`` are Unverifiable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from maskdpo_xtuner.evaluation.human.forms import (
    UNMARKED,
    HumanResponse,
    labelled_response,
    merge_marks,
)
from maskdpo_xtuner.jsonl import RecordError, parse_record, read_objects
from maskdpo_xtuner.records import Label, Question, Record, Sentence
from maskdpo_xtuner.splitters import Splitter

MARKS = {UNMARKED: Label.NO_HALLUCINATION.value}


class Mark(Record):
    """A marked span; ``type`` is RAGTruth's, such as "Evident Conflict"."""

    start: int
    end: int
    type: str | None = None

    @property
    def label(self) -> Label:
        """Contradictory for a conflict with the source, Unverifiable for what it does not hold."""
        conflict = 'conflict' in (self.type or '').lower()
        return Label.CONTRADICTORY if conflict else Label.UNVERIFIABLE


class MarkedText(Record):
    """A response with its marks."""

    text: str
    hallucination_spans: tuple[Mark, ...]
    model: str = 'unknown'


class MarkedQuestion(Record):
    """A question with its responses."""

    responses: tuple[MarkedText, ...]


def read_marked_questions(source: Path | str) -> Iterator[tuple[int, Question, MarkedQuestion]]:
    """Yield line number, question and marked responses of each line; the id stands for a topic.

    Raises:
        RecordError: naming file, line, field and remedy.
    """
    for line, row in read_objects(source):
        about = parse_record(Question, {'topic': row.get('question_id'), **row}, source, line)
        yield line, about, parse_record(MarkedQuestion, row, source, line)


def read_marks(source: Path, splitter: Splitter, left_out: Counter[str]) -> Iterator[HumanResponse]:
    """Read the file.

    Raises:
        RecordError: naming file, line, field and remedy.
    """
    for line, question, marked in read_marked_questions(source):
        for index, response in enumerate(marked.responses):
            yield labelled_response(
                question,
                response.text,
                merged(response.text, response.hallucination_spans, source, line),
                {'source': Path(source).name, **MARKS},
                sample_index=index,
                model=response.model,
            )


def merged(text: str, marks: tuple[Mark, ...], path: Path | str, line: int) -> tuple[Sentence, ...]:
    """Make spans of marks; see `merge_marks`.

    Raises:
        RecordError: for a mark outside the text.
    """
    try:
        return merge_marks(text, ((mark.start, mark.end, mark.label) for mark in marks))
    except ValueError as error:
        raise RecordError(path, line, f'{error}; spans count characters') from error
