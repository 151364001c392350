"""A document as points: sentences whose subject is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from maskdpo_xtuner.annotators.lexical.clauses import Clause, read_claim
from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Stems
from maskdpo_xtuner.annotators.lexical.subjects import TOPIC
from maskdpo_xtuner.annotators.lexical.tokens import Token, read_tokens, stem
from maskdpo_xtuner.annotators.lexical.values import SPELLING, Name, Number
from maskdpo_xtuner.annotators.lexical.wording import ENTAILED, PRONOUNS
from maskdpo_xtuner.records import Language
from maskdpo_xtuner.splitters import split_sentences

_ENTAILED = {stem(word): stem(entailed) for word, entailed in ENTAILED.items()}
_FRAME_WORDS = 4


@dataclass(frozen=True)
class Point:
    """One sentence of a document.

    Attributes:
        text: as written.
        clause: what it says, read as one clause.
        subject: stems of what it speaks of; `TOPIC` (None) for the document's topic.
        vocabulary: stems of its words and names, and of what they entail.
        name_starts: the first letters of its capitalized words.
    """

    text: str
    clause: Clause
    subject: Stems | None
    vocabulary: Stems
    name_starts: Stems

    @property
    def is_frame(self) -> bool:
        """Whether it says little beside its values: "It has an area of 385,207 km2."."""
        return bool(self.clause.values) and len(self.clause.words) <= _FRAME_WORDS

    def has_name(self, name: Name) -> bool:
        in_words = name.stems[-1] in self.clause.words
        return in_words or any(name.fits(other) for other in self.clause.names)

    def mentions(self, name: Name) -> bool:
        """Whether the last word of a name stands here, perhaps in another spelling."""
        return name.stems[-1] in self.vocabulary or name.start in self.name_starts

    def has_number(self, number: Number, words: Stems) -> bool:
        """Whether it stands here and counts what it does in a clause of ``words``."""
        return any(
            number.equals(other) and _counts(number, other, words) for other in self.clause.numbers
        )


def _counts(number: Number, other: Number, words: Stems) -> bool:
    nearest = other.nearest
    if not nearest or nearest in words or _ENTAILED.get(nearest) in words:
        return True
    return not number.nearest and number.unit == other.unit != ''


@dataclass(frozen=True)
class Document:
    """A document's points.

    Attributes:
        points: in order.
        topic: stems of the question's topic; nothing where the document does not name it.
        known_names: words with a capital in the middle of a sentence.
    """

    points: tuple[Point, ...]
    topic: Stems
    known_names: Stems

    @cached_property
    def vocabulary(self) -> Stems:
        return NOTHING.union(*(point.vocabulary for point in self.points))


@lru_cache(maxsize=1024)
def read_document(document: str, topic: str, language: Language) -> Document:
    """Read a document once for all sentences that are judged by it."""
    texts = [document[start:end].strip() for start, end in split_sentences(document, language)]
    tokens = [read_tokens(text)[1] for text in texts]
    stems = {token.stem for line in tokens for token in line}
    topic_stems = frozenset(token.stem for token in read_tokens(topic)[1] if token.stem)
    known_names = frozenset(
        token.lower for line in tokens for token in line[1:] if token.is_capital
    )
    points: list[Point] = []
    for text, line in zip(texts, tokens, strict=True):
        (clause,) = read_claim(text, topic_stems & stems, known_names, whole=True).clauses
        points.append(_point(text, line, clause, points))
    return Document(tuple(points), topic_stems & stems, known_names)


def _point(text: str, tokens: list[Token], clause: Clause, before: list[Point]) -> Point:
    vocabulary = clause.words | clause.name_stems
    entailed = (_ENTAILED.get(token.stem) for token in tokens)
    subject = clause.subject.stems
    if before and subject is TOPIC and tokens and tokens[0].lower in PRONOUNS:
        subject = before[-1].subject  # "It" is what the sentence before speaks of
    return Point(
        text,
        clause,
        subject=subject,
        vocabulary=vocabulary.union(subject or (), (stem for stem in entailed if stem)),
        name_starts=frozenset(token.lower[:SPELLING] for token in tokens if token.is_capital),
    )
