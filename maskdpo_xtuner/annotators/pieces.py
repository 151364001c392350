"""What can be asked of a response by itself: its sentences, or all of it at once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from maskdpo_xtuner.annotators.base import Annotator, Dialogue, SentenceAnnotator
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Question, Response, Sentence


@dataclass(frozen=True)
class Piece:
    """A dialogue that need not be run.

    Attributes:
        spans: of the sentences that it ends in; of a judge that does not say them, all of the text.
        dialogue: about them.
        is_split: whether the spans are those of the sentences.
    """

    spans: Sequence[tuple[int, int]]
    dialogue: Dialogue
    is_split: bool = True


@runtime_checkable
class InPieces(Protocol):
    """An annotator that says itself what can be asked by itself."""

    def pieces(self, question: Question, response: Response) -> list[Piece | Sentence]:
        """Give the pieces of a response in order; a sentence is one that is known unasked."""
        ...


def pieces_of(
    annotator: Annotator, question: Question, response: Response
) -> list[Piece | Sentence]:
    """Divide a response as its annotator judges it: by sentences, or as a whole.

    Nothing is asked. A judge that splits responses by rules of its own has one piece of all.
    """
    if isinstance(annotator, InPieces):
        return annotator.pieces(question, response)
    dialogues = annotator.annotate(question, response)
    if not dialogues:
        return []
    spans = _sentences(annotator, question, response)
    if spans and len(spans) == len(dialogues):
        return [Piece([span], each) for span, each in zip(spans, dialogues, strict=True)]
    if spans and len(dialogues) == 1:
        return [Piece(spans, dialogues[0])]
    return [Piece([(0, len(response.text))], _one_by_one(dialogues), is_split=False)]


def _sentences(
    annotator: Annotator, question: Question, response: Response
) -> list[tuple[int, int]]:
    if not isinstance(annotator, SentenceAnnotator):
        return []
    return annotator.split(question, response.text)


def _one_by_one(
    dialogues: Sequence[Dialogue],
) -> Generator[Request, Completion | Failure, tuple[Sentence, ...]]:
    sentences: list[Sentence] = []
    for dialogue in dialogues:
        sentences.extend((yield from dialogue))
    return tuple(sentences)
