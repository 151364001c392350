"""A document as points: sentences whose subject is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from maskdpo_xtuner.annotators.lexical.clauses import (
    TOPIC,
    Clause,
    Name,
    Number,
    Stems,
    read_claim,
)
from maskdpo_xtuner.annotators.lexical.tokens import read_tokens
from maskdpo_xtuner.records import Language
from maskdpo_xtuner.sentences import split_sentences

# What a point that holds the first also says: what occurs somewhere is found there.
_ENTAILED = {
    'discov': 'found',
    'made': 'produc',
    'occur': 'found',
    'extract': 'found',
    'origin': 'name',
}


@dataclass(frozen=True)
class Point:
    """One sentence of a document.

    Attributes:
        subject: stems of what it speaks of; None for the document's topic.
    """

    text: str
    clause: Clause
    subject: Stems | None
    vocabulary: Stems
    capitals: Stems

    def holds_name(self, name: Name) -> bool:
        return any(name.fits(other) for other in self.clause.names) or (
            name.stems[-1] in self.clause.words
        )

    def mentions(self, name: Name) -> bool:
        """Whether a name stands here, perhaps in another spelling (Ramsay, Ramsey)."""
        return name.stems[-1] in self.vocabulary or name.texts[-1][:4] in self.capitals

    def holds_number(self, number: Number, words: Stems) -> bool:
        """Whether the number stands here and counts what it does in a clause of ``words``."""
        return any(
            number.equals(other)
            and (
                not other.nearest
                or other.nearest in words
                or _ENTAILED.get(other.nearest) in words
                or (not number.nearest and number.unit == other.unit != '')
            )
            for other in self.clause.numbers
        )


@dataclass(frozen=True)
class Document:
    points: tuple[Point, ...]
    topic: Stems
    known_names: Stems

    @cached_property
    def vocabulary(self) -> Stems:
        return frozenset().union(*(point.vocabulary for point in self.points))


@lru_cache(maxsize=1024)
def read_document(document: str, topic: str, language: Language) -> Document:
    texts = [document[start:end].strip() for start, end in split_sentences(document, language)]
    known_names = _known_names(texts)
    stems = frozenset(t.stem or t.lower for t in read_tokens(topic)[1] if not t.is_mark)
    stems |= frozenset(p for t in read_tokens(topic)[1] for p in t.pairs)
    everything = {t.stem for text in texts for t in read_tokens(text)[1]}
    stems = frozenset(stem for stem in stems if stem in everything)
    points: list[Point] = []
    for text in texts:
        (clause,) = read_claim(text, stems, known_names, split=False).clauses or (None,)
        points.append(_point(text, clause, points))
    return Document(tuple(points), stems, known_names)


def _known_names(texts: list[str]) -> Stems:
    found: set[str] = set()
    for text in texts:
        tokens = read_tokens(text)[1]
        found.update(t.lower for t in tokens[1:] if t.is_capital and len(t.lower) > 1)
    return frozenset(found)


def _point(text: str, clause: Clause, before: list[Point]) -> Point:
    names = frozenset(stem for name in clause.names for stem in name.stems)
    vocabulary = clause.words | names | clause.relation
    stems = vocabulary.union(t.lower for t in read_tokens(text)[1] if t.lower == 'made')
    vocabulary |= frozenset(_ENTAILED[stem] for stem in stems if stem in _ENTAILED)
    subject = clause.subject
    if subject is TOPIC and not clause.mentions_topic and before:
        subject = before[-1].subject
    capitals = frozenset(t.lower[:4] for t in read_tokens(text)[1] if t.is_capital)
    return Point(text, clause, subject, vocabulary, capitals)
