"""An answer cut into what a page colours: sentences with their verdict, and the text between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from maskdpo_xtuner.pairing import NoFacts
from maskdpo_xtuner.records import Fact, Label, Sentence


@dataclass(frozen=True)
class Kind:
    """How a verdict is shown: style class, mark behind the sentence, name, meaning."""

    key: str
    mark: str
    name: str
    meaning: str


_LABELS = {
    Label.NO_HALLUCINATION: Kind(
        'no_hallucination', '✓', 'No Hallucination', 'the document supports it'
    ),
    Label.NO_FACTS: Kind('no_facts', '–', 'No Facts', 'nothing to check; counts as correct'),
    Label.CONTRADICTORY: Kind(
        'contradictory', '✗', 'Contradictory', 'the document says otherwise; hallucination'
    ),
    Label.UNVERIFIABLE: Kind(
        'unverifiable', '?', 'Unverifiable', 'not in the document; hallucination'
    ),
}
_NOT_COUNTED = Kind(
    'no_facts', '–', 'No Facts, not counted', 'nothing to check; in no score or loss'
)
_NO_VERDICT = Kind('no_verdict', '!', 'No verdict', 'failed, cut or damaged; in no count or loss')
NOT_ASKED = Kind('not_needed', '·', 'Not asked', 'no pair depends on it; in no count or score')
_HALLUCINATION = Kind('hallucination', '✗', 'Hallucination', 'which kind is not known')
WEIGHTED = Kind('weighted', '', 'Weight', 'a piece with a weight instead of a label')


@dataclass(frozen=True)
class Segment:
    """A piece of an answer; ``kind`` is None for text that belongs to no sentence.

    ``note`` is the reason of a missing verdict and what the annotator remarked; ``points`` are
    passages of the document.
    """

    text: str
    kind: Kind | None = None
    note: str = ''
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A verdict on ``text[start:end]``."""

    start: int
    end: int
    kind: Kind
    note: str = ''
    points: tuple[str, ...] = ()


def kind_of(label: Label | None, no_facts: NoFacts = 'correct') -> Kind:
    """The way to show a label, or a missing one, where No Facts is worth ``no_facts``."""
    if label is Label.NO_FACTS and no_facts == 'ignored':
        return _NOT_COUNTED
    return _NO_VERDICT if label is None else _LABELS[label]


def all_kinds(no_facts: NoFacts = 'correct') -> tuple[Kind, ...]:
    """List all that an annotated answer can show, in the order of a legend."""
    return *(kind_of(label, no_facts) for label in _LABELS), _NO_VERDICT


KINDS = all_kinds()
"""Those of answers that are scored as in the paper."""


def binary_kind(hallucinated: bool) -> Kind:
    """The way to show a sentence of a file that knows two types only."""
    return _HALLUCINATION if hallucinated else _LABELS[Label.NO_HALLUCINATION]


def sentence_marks(sentences: Iterable[Sentence], no_facts: NoFacts = 'correct') -> list[Mark]:
    """Mark annotated sentences."""
    return [
        Mark(s.start, s.end, NOT_ASKED)
        if s.is_not_needed
        else Mark(s.start, s.end, kind_of(s.label, no_facts), note=_note(s), points=s.points)
        for s in sentences
    ]


def _note(sentence: Sentence) -> str:
    reasons = [] if sentence.failure is None else [sentence.failure]
    return '; '.join([*reasons, *sentence.notes, *map(_verdict, sentence.facts or ())])


def _verdict(fact: Fact) -> str:
    said = {True: 'supported', False: 'not supported', None: 'no verdict'}[fact.supported]
    return f'{said}: {fact.text}'


def segments(text: str, marks: Iterable[Mark]) -> list[Segment]:
    """Cut ``text`` at the marks, which are in order and do not overlap.

    The texts of the segments together are ``text``. White space around a sentence becomes a
    segment of its own, so that no underline runs into it.
    """
    pieces, position = [], 0
    for mark in marks:
        sentence = text[mark.start : mark.end]
        start = mark.end - len(sentence.lstrip())
        end = mark.start + len(sentence.rstrip())
        if start >= end:
            continue
        pieces.append(Segment(text[position:start]))
        pieces.append(Segment(text[start:end], mark.kind, mark.note, mark.points))
        position = end
    pieces.append(Segment(text[position:]))
    return [piece for piece in pieces if piece.text]


def cut_long(pieces: Sequence[Segment], length: int) -> tuple[list[Segment], list[Segment]]:
    """Divide segments after at most ``length`` characters, so that a page can wait with the rest.

    Segments stay whole, but for one that is longer than ``length`` and begins the first part.
    """
    shown: list[Segment] = []
    room = length
    for index, piece in enumerate(pieces):
        if len(piece.text) > room:
            if shown:
                return shown, list(pieces[index:])
            head, tail = piece.text[:length], piece.text[length:]
            return [replace(piece, text=head)], [replace(piece, text=tail), *pieces[index + 1 :]]
        shown.append(piece)
        room -= len(piece.text)
    return shown, []
