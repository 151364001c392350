"""What every form of human labels is read into: our records, with a person as the annotator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from maskdpo_xtuner.jsonl import parse_record, read_objects
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Sentence
from maskdpo_xtuner.splitters import Splitter

UNMARKED = 'unmarked'
"""Key of ``annotator``: the label of what stands outside the spans that people marked."""


class HumanResponse(NamedTuple):
    """A question with a response to it, whose sentences or marked spans people labelled.

    ``labelled.sentences`` are the spans. Where ``labelled.annotator`` has `UNMARKED`, they are
    marks, and all that stands outside of them has the label of that name.
    """

    question: Question
    labelled: AnnotatedResponse


class Reader(Protocol):
    """Reads a form of human labels."""

    def __call__(
        self, source: Path, splitter: Splitter, left_out: Counter[str]
    ) -> Iterator[HumanResponse]:
        """Yield the labelled responses.

        Args:
            source: file or folder.
            splitter: for forms that label sentences without saying where they stand.
            left_out: counts, by reason, the labels that belong to no sentence.

        Raises:
            RecordError: naming file, line and remedy.
        """
        ...


def read_records_form(
    source: Path, splitter: Splitter, left_out: Counter[str]
) -> Iterator[HumanResponse]:
    """Read our own form: lines of ``annotated.jsonl`` to which those of the question are added.

    Besides the keys of an annotated response a line has ``question``, ``document``, ``topic`` and
    ``language``. ``annotator`` may have `UNMARKED`: the spans are marks then.

    Raises:
        RecordError: naming file, line, field and remedy.
    """
    for line, row in read_objects(source):
        question = parse_record(Question, row, source, line)
        yield HumanResponse(question, parse_record(AnnotatedResponse, row, source, line))


def labelled_response(
    question: Question,
    text: str,
    sentences: tuple[Sentence, ...],
    annotator: Mapping[str, str],
    **fields: Any,
) -> HumanResponse:
    """Make a record of a response of which no more is known than its text, model and place."""
    values = {
        'question_id': question.question_id,
        'seed': 0,
        'text': text,
        'finish_reason': 'stop',
        'prompt_tokens': None,
        'completion_tokens': None,
        'sentences': sentences,
        'annotator': {'name': 'human', **annotator},
    }
    return HumanResponse(question, AnnotatedResponse.model_validate({**values, **fields}))


def merge_marks(text: str, marks: Iterator[tuple[int, int, Label]]) -> tuple[Sentence, ...]:
    """Make one span of marks that overlap; of their labels Contradictory goes before the other.

    Raises:
        ValueError: for a mark outside the text.
    """
    merged: list[tuple[int, int, Label]] = []
    for start, end, label in sorted(marks):
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f'the span [{start}, {end}) is empty or leaves the text of {len(text)} characters'
            )
        if merged and start < merged[-1][1]:
            first, last, other = merged.pop()
            start, end, label = first, max(last, end), graver(other, label)
        merged.append((start, end, label))
    return tuple(Sentence(start=start, end=end, label=label) for start, end, label in merged)


def graver(one: Label, other: Label) -> Label:
    """Give the label that says more against a text: Contradictory, then Unverifiable."""
    return min(one, other, key=list(GRAVEST_FIRST).index)


GRAVEST_FIRST = (
    *(Label.CONTRADICTORY, Label.UNVERIFIABLE),
    *(Label.NO_HALLUCINATION, Label.NO_FACTS),
)
