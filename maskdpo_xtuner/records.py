"""The typed records that travel from stage to stage, one JSON object a line.

Spans are half-open character ranges ``[start, end)`` of the response text as Python counts
characters (code points). The text itself is never edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import partial
from operator import is_
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import Self

Language = Annotated[str, Field(pattern=r'^[a-z]{2,3}(-[A-Za-z0-9]+)*$')]
"""A code such as ``en``, ``zh`` or ``pt-BR`` (ISO 639, BCP 47)."""
FinishReason = Literal['stop', 'length']
BinaryType = Literal['hallucination', 'no_hallucination']
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


# Not a function of Python: Ctrl-C within one becomes an error of serialization in pydantic.
_is_none = partial(is_, None)


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


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _refuse_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError('blank', 'is blank; write a text, or take the line out')
    return text


QuestionId = Annotated[str, BeforeValidator(_as_text)]
"""A text; an integer is taken as its digits."""
Text = Annotated[str, AfterValidator(_refuse_blank)]
"""A text with something in it but white space."""


class Question(Record):
    """A question with the document that answers to it are checked against."""

    question_id: QuestionId = Field(min_length=1)
    question: Text
    document: Text
    language: Language
    topic: str = Field(min_length=1)


class Response(Record):
    """One sampled answer.

    ``finish_reason`` is ``length`` for an answer cut at the token limit; its text then has no
    end-of-turn token. ``with_document`` is an answer to a prompt that held the document. Counts of
    tokens are None where nobody made them. ``reasoning`` is what a model that thinks wrote before
    the text; it is written only where there is some.
    """

    question_id: QuestionId
    sample_index: int = Field(ge=0)
    seed: int
    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None = Field(ge=0)
    completion_tokens: int | None = Field(ge=0)
    model: str
    with_document: bool = False
    reasoning: str | None = Field(default=None, exclude_if=_is_none)

    @property
    def response_id(self) -> str:
        return f'{self.question_id}#{self.sample_index}'


class Fact(Record):
    """An atomic fact that a sentence states: supported or not, or the reason why it is not known.

    ``failure`` is as that of a `Sentence`; ``supported`` is None then, and only then. ``reply`` is
    what the verifier wrote: other rules than ours can read it without asking again.
    """

    text: str = Field(min_length=1)
    supported: bool | None = None
    # Left out where there are none, as are the facts of a sentence.
    failure: str | None = Field(default=None, exclude_if=_is_none)
    reply: str | None = Field(default=None, exclude_if=_is_none)

    @model_validator(mode='after')
    def _check(self) -> Self:
        if (self.supported is None) == (self.failure is None):
            raise ValueError('a fact is supported or not, or has a failure')
        return self


LEFT_OUT = ('cut', 'damaged', 'leaked')
"""Kinds of failures that are no annotator's: the text itself cannot be judged."""
NOT_NEEDED = 'not_needed'
"""The kind of a sentence that nobody was asked about: it can change no pair."""


class Sentence(Record):
    """A span of a response with its verdict: a label, or the reason why there is none.

    ``failure`` is an outcome of its own (``unparsed: ...``, ``failed: ...``, ``no_answer: ...``,
    ``disagreed: ...``, one of `LEFT_OUT`, or `NOT_NEEDED`): it is counted and shown, and is never
    turned into a label. ``points`` are the passages of the document that the verdict rests on.
    ``notes`` say what a reader should know of how it came about (``reference_cut: ...``,
    ``document_shortened: ...``).
    ``score`` is how surely the sentence is hallucinated, from 0 to 1, by a judge that can say it.
    ``facts`` are what a judge by atomic facts found in the sentence, none at all among them; None
    for a judge of whole sentences.
    """

    start: int = Field(ge=0)
    end: int
    label: Label | None = None
    failure: str | None = None
    points: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    # Left out where there are none: files of other judges stay as they are.
    score: float | None = Field(default=None, ge=0, le=1, exclude_if=_is_none)
    facts: tuple[Fact, ...] | None = Field(default=None, exclude_if=_is_none)

    @property
    def failure_kind(self) -> str | None:
        """The kind of failure, such as ``unparsed``; None for a sentence with a label."""
        return self.failure and self.failure.partition(':')[0]

    @property
    def is_left_out(self) -> bool:
        """Whether there was nothing to judge, so that no annotator failed either."""
        return self.failure_kind in LEFT_OUT

    @property
    def is_not_needed(self) -> bool:
        """Whether nobody was asked about it, as the pairs are the same whatever it says."""
        return self.failure == NOT_NEEDED

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

    @property
    def is_partial(self) -> bool:
        """Whether some of its sentences were not asked about, so that it has no score."""
        return any(sentence.is_not_needed for sentence in self.sentences)

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
    question_id: QuestionId | None = None
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
