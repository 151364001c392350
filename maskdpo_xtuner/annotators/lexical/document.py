"""A document as points: sentences whose subject is known."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from maskdpo_xtuner.annotators.lexical.clauses import Clause, read_claim
from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Stems, other_names
from maskdpo_xtuner.annotators.lexical.subjects import TOPIC
from maskdpo_xtuner.annotators.lexical.tokens import Token, read_tokens, stem
from maskdpo_xtuner.annotators.lexical.values import SPELLING, Name, Number
from maskdpo_xtuner.annotators.lexical.wording import ENTAILED, PRONOUNS
from maskdpo_xtuner.records import Language
from maskdpo_xtuner.splitters import split_sentences

_ENTAILED = {stem(word): stem(entailed) for word, entailed in ENTAILED.items()}
_HEADING = re.compile(r'\s*([^:]{3,60}):\s')
_QUESTION = re.compile(r'(?:how|what|when|where|who|why)\b', re.I)
_FRAME_WORDS = 4  # that a point with a number has at most when all of them tell what it counts


@dataclass(frozen=True)
class Point:
    """One statement of a document.

    Attributes:
        text: the sentence that makes it, as written.
        clause: what it says; of passages a whole sentence is one clause.
        subject: stems of what it speaks of; `TOPIC` (None) for the document's topic.
        vocabulary: stems of its words and names, and of what they entail.
        name_starts: the first letters of its capitalized words.
    """

    text: str
    clause: Clause
    subject: Stems | None
    vocabulary: Stems
    name_starts: Stems

    @cached_property
    def frame(self) -> Stems:
        """The words that only say what its values are: "area" of "an area of 385,207 km2"."""
        clause = self.clause
        if clause.numbers and not clause.names and len(clause.words) <= _FRAME_WORDS:
            return clause.words | clause.relation
        return clause.relation.union(
            *(name.context for name in clause.names if not name.in_brackets),
            *(number.beside for number in clause.numbers),
        )

    @cached_property
    def told(self) -> Stems:
        """What is held without a value: all words but the frame."""
        return self.described - self.frame

    @property
    def described(self) -> Stems:
        """What it says of its subject: not "amorphous" of "amorphous boron is brown"."""
        return self.vocabulary - self.clause.narrowing

    def has_name(self, name: Name) -> bool:
        """Tell whether it stands here, as a name or in small letters: the Krone."""
        is_word = not name.is_alias and len(name.texts[-1]) >= SPELLING
        in_words = is_word and self.clause.words.issuperset(name.stems)
        return in_words or self.names(name)

    def names(self, name: Name) -> bool:
        return any(name.fits(other) for other in self.clause.names)

    def mentions(self, name: Name) -> bool:
        """Tell whether the last word of a name stands here, perhaps in another spelling."""
        return name.stems[-1] in self.vocabulary or name.start in self.name_starts

    def has_number(self, number: Number, words: Stems) -> bool:
        """Tell whether it stands here and counts what it does in a clause of ``words``."""
        return any(
            _is_as_fine(number, other) and number.equals(other) and _counts(number, other, words)
            for other in self.clause.numbers
        )


def _is_as_fine(number: Number, other: Number) -> bool:
    """Tell whether a number says no more than the document's: 3.77 is not held by 4."""
    is_finer = number.step < other.step <= 1 and number.value != other.value
    return number.unit == other.unit and not is_finer


def _counts(number: Number, other: Number, words: Stems) -> bool:
    nearest = other.nearest
    if not nearest or nearest in words or _ENTAILED.get(nearest) in words:
        return True
    return not number.nearest and number.unit == other.unit != ''


@dataclass(frozen=True)
class Document:
    """What a document states.

    Attributes:
        points: in order.
        topic: stems of the question's topic; nothing where the document does not name it.
        known_names: words with a capital in the middle of a sentence.
        others: parts of the topic's name that name something else, see `reading.other_names`.
    """

    points: tuple[Point, ...]
    topic: Stems
    known_names: Stems
    others: Stems

    @cached_property
    def vocabulary(self) -> Stems:
        return NOTHING.union(*(point.vocabulary for point in self.points))

    @cached_property
    def frame(self) -> Stems:
        """The words that only say what the values of points are."""
        framing = (point.frame for point in self.points if point.clause.values)
        plain = (point.vocabulary for point in self.points if not point.clause.values)
        return NOTHING.union(*framing).difference(*plain)

    @cached_property
    def narrowing(self) -> Stems:
        return NOTHING.union(*(point.clause.narrowing for point in self.points))


@lru_cache(maxsize=1024)
def read_document(document: str, topic: str, language: Language) -> Document:
    """Read a document once for all sentences that are judged by it."""
    texts = [document[start:end].strip() for start, end in split_sentences(document, language)]
    tokens = [read_tokens(text)[1] for text in texts]
    stems = {token.stem for line in tokens for token in line}
    topic_stems = frozenset(token.stem for token in read_tokens(topic)[1] if token.stem)
    known_names = frozenset(
        token.lower
        for line in tokens
        for before, token in itertools.pairwise(line)
        if token.is_capital and before.text not in ':：'
    )
    known_topic = topic_stems & stems
    is_one_clause = not known_topic or language != 'en'
    others = NOTHING.union(*(other_names(text, known_topic) for text in texts))
    points: list[Point] = []
    for text, line in zip(texts, tokens, strict=True):
        if is_one_clause:
            clauses = read_claim(text, known_topic, known_names, whole=True).clauses
        else:
            clauses = tuple(_clauses(text, known_topic, known_names, others))
        for clause in clauses:
            points.append(_point(text, line, clause, points))
    return Document(tuple(points), known_topic, known_names, others)


def _clauses(text: str, topic: Stems, known_names: Stems, others: Stems) -> Iterator[Clause]:
    """Read what a sentence states, a heading before it ("Uses: ...") taken for what it tells of."""
    found = _HEADING.match(text)
    if found:
        (heading,) = read_claim(found[1], topic, known_names, whole=True).clauses
        if _QUESTION.match(text) or not heading.has_verb:
            for clause in read_claim(text[found.end() :], topic, known_names, others).clauses:
                yield clause.under(heading.words)
            return
    yield from read_claim(text, topic, known_names, others).clauses


def _point(text: str, tokens: list[Token], clause: Clause, before: list[Point]) -> Point:
    vocabulary = clause.words | clause.name_stems
    entailed = (_ENTAILED.get(word) for word in clause.words | clause.relation)
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
