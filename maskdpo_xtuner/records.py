"""The typed records that travel from stage to stage, one JSON object a line.

Spans are half-open character ranges ``[start, end)`` of the response text as Python counts
characters (code points). The text itself is never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

Language = Annotated[str, Field(pattern=r'^[a-z]{2,3}(-[A-Za-z0-9]+)*$')]
"""A code such as ``en``, ``zh`` or ``pt-BR`` (ISO 639, BCP 47)."""
FinishReason = Literal['stop', 'length']
BinaryType = Literal['hallucination', 'no_hallucination']
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Label(str, Enum):
    """The four sentence labels of ANAH-v2 (paper, appendix A)."""

    NO_FACTS = 'no_facts'
    NO_HALLUCINATION = 'no_hallucination'
    CONTRADICTORY = 'contradictory'
    UNVERIFIABLE = 'unverifiable'

    @property
    def is_hallucination(self) -> bool:
        """Contradictory and Unverifiable are; No Facts and No Hallucination are not."""
        return self in (Label.CONTRADICTORY, Label.UNVERIFIABLE)


class Record(BaseModel):
    """Base of all records: unknown keys are ignored, so a file may carry more than we read."""

    model_config = ConfigDict(extra='ignore', frozen=True)


class Message(Record):
    """One turn of a conversation."""

    role: Literal['system', 'user', 'assistant']
    content: str


class Question(Record):
    """A question with the document that answers to it are checked against."""

    question_id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    document: str = Field(min_length=1)
    language: Language
    topic: str = Field(min_length=1)


class Response(Record):
    """One sampled answer.

    ``finish_reason`` is ``length`` for an answer cut at the token limit; its text then has no
    end-of-turn token. ``with_document`` is an answer to a prompt that held the document. Counts of
    tokens are None where nobody made them. ``reasoning`` is what a model that thinks wrote before
    the text; it is written only where there is some.
    """

    question_id: str
    sample_index: int = Field(ge=0)
    seed: int
    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None = Field(ge=0)
    completion_tokens: int | None = Field(ge=0)
    model: str
    with_document: bool = False
    reasoning: str | None = Field(default=None, exclude_if=lambda reasoning: reasoning is None)

    @property
    def response_id(self) -> str:
        return f'{self.question_id}#{self.sample_index}'


class Sentence(Record):
    """A span of a response with its verdict: a label, or the reason why there is none.

    ``failure`` is an outcome of its own (``unparsed: ...``, ``failed: ...``, ``no_answer: ...``):
    it is counted and shown, and is never turned into a label. ``points`` are the passages of the
    document that the verdict rests on. ``notes`` say what a reader of the verdict should know of
    how it came about (``reference_cut: ...``, ``document_shortened: ...``).
    """

    start: int = Field(ge=0)
    end: int
    label: Label | None = None
    failure: str | None = None
    points: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode='after')
    def _check(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f'the span [{self.start}, {self.end}) is empty')
        if (self.label is None) == (self.failure is None):
            raise ValueError('a sentence has either a label or a failure')
        return self


class AnnotatedResponse(Response):
    """A response with one verdict per sentence; ``annotator`` says whose (name, version, ...)."""

    sentences: tuple[Sentence, ...]
    annotator: dict[str, str]

    @model_validator(mode='after')
    def _check_spans(self) -> Self:
        check_spans([(s.start, s.end) for s in self.sentences], len(self.text))
        return self


class PairItem(Record):
    """How one side of a pair was labelled.

    ``sents`` and ``type`` are what the released trainer reads. ``spans``, ``labels``, ``weights``,
    ``score``, ``seed``, ``sample_index`` and ``finish_reason`` are ours; a file made for the
    released trainer lacks them. A sentence without a verdict has the label None and is written
    with the ``type`` that keeps it out of the loss on its side; so is a sentence of No Facts where
    the pairs were made to ignore those.

    ``weights`` stand instead of ``type``: the factor of each piece in the loss of its side, with 0
    for what does not count. ``sents`` are then any pieces of the text: clauses, atomic facts,
    tokens, what a person marked.
    """

    sents: tuple[str, ...]
    type: tuple[BinaryType, ...] | None = None
    weights: tuple[Weight, ...] | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    labels: tuple[Label | None, ...] | None = None
    score: float | None = None
    seed: int | None = None
    sample_index: int | None = None
    finish_reason: FinishReason | None = None

    @property
    def is_unlabelled(self) -> bool:
        """Whether it says of its sentences that none was labelled; weights need no labels."""
        labels = self.labels or ()
        return bool(labels) and not any(labels) and self.weights is None

    @model_validator(mode='after')
    def _check_lengths(self) -> Self:
        if (self.type is None) == (self.weights is None):
            raise ValueError('give each of sents a type or a weight: either type or weights')
        for name in ('type', 'weights', 'spans', 'labels'):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.sents):
                raise ValueError(f'{len(self.sents)} sents but {len(values)} {name}')
        return self


class PreferencePair(Record):
    """A better and a worse answer to one question, in the released format and a superset of it."""

    prompt: tuple[Message, ...] = Field(min_length=1)
    chosen: tuple[Message, ...] = Field(min_length=1, max_length=1)
    chosen_item: PairItem
    rejected: tuple[Message, ...] = Field(min_length=1, max_length=1)
    rejected_item: PairItem
    question_id: str | None = None
    topic: str | None = None
    language: Language | None = None
    provenance: dict[str, str] | None = None

    @model_validator(mode='after')
    def _check_sides(self) -> Self:
        for side in ('chosen', 'rejected'):
            (message,) = getattr(self, side)
            item: PairItem = getattr(self, f'{side}_item')
            if message.role != 'assistant':
                raise ValueError(f'{side}: the role is {message.role!r}, not "assistant"')
            if not message.content.strip():
                raise ValueError(f'{side}: the response is empty')
            if item.spans is not None:
                check_spans(item.spans, len(message.content))
        return self


def check_spans(spans: Sequence[tuple[int, int]], length: int) -> None:
    """Refuse spans that are empty, overlap, stand out of order or leave ``[0, length)``.

    Raises:
        ValueError: naming the first offending span.
    """
    position = 0
    for start, end in spans:
        if not position <= start < end <= length:
            raise ValueError(
                f'the span [{start}, {end}) is empty, overlaps the one before it or leaves the '
                f'text of {length} characters'
            )
        position = end
