"""What is counted of an answer: its atomic facts where the judge has them, else its sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from maskdpo_xtuner.records import AnnotatedResponse, Fact, Label, Sentence

_OF_FACT = {True: Label.NO_HALLUCINATION, False: Label.UNVERIFIABLE, None: None}


class Piece(NamedTuple):
    """A text with a verdict of its own; the label is None where there is no verdict."""

    text: str
    label: Label | None


def pieces(response: AnnotatedResponse) -> Iterator[Piece]:
    """Give the pieces of an answer in its order.

    The facts of a sentence stand for it. A sentence that states none, or of which they could not
    be read, is a piece itself.
    """
    for sentence in response.sentences:
        if sentence.facts:
            yield from map(_of_fact, sentence.facts)
        else:
            yield _of_sentence(response.text, sentence)


def _of_fact(fact: Fact) -> Piece:
    return Piece(fact.text, _OF_FACT[fact.supported])


def _of_sentence(text: str, sentence: Sentence) -> Piece:
    return Piece(text[sentence.start : sentence.end], sentence.label)
