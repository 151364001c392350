"""A baseline annotator that needs no model: what a sentence says is looked up in the document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache

from maskdpo_xtuner.annotators.base import Dialogue
from maskdpo_xtuner.annotators.content import Content, Number, read_content
from maskdpo_xtuner.records import Label, Language, Question, Sentence
from maskdpo_xtuner.sentences import split_sentences

# Questions, headings, introductions of lists; greetings, and what a chat model says of itself.
_TALK = re.compile(
    r"""\s*(?:\#.*|\*\*[^*]+\*\*[:：]?|.*[?？:：])["'”’」』）)*]*\s*$
      | \W*(?:(?:sure|hello|hi|hey|there|yes|no|thanks|thank\ you|sorry|welcome|certainly
          |of\ course)\b\W*)*
        (?:$|(?:i|let\ me|let\ us|let's|feel\ free|here\ (?:is|are)|as\ an\ ai
          |please\ (?:ask|feel|let|provide)|if\ you\ (?:have|need|want|would)
          |you(?:['’]re|\ are)\ welcome|(?:this|that)\ is\ an?\ (?:great|good)\ question)\b)
      | \W*(?:你好|您好|当然|好的|谢谢|抱歉|对不起|我|如果[您你]|希望|请)""",
    re.X | re.I | re.S,
)


@dataclass(frozen=True)
class _Point:
    text: str
    content: Content


@lru_cache(maxsize=256)
def _read_document(document: str, language: Language) -> tuple[_Point, ...]:
    texts = [document[start:end].strip() for start, end in split_sentences(document, language)]
    return tuple(_Point(text, read_content(text)) for text in texts)


@dataclass
class LexicalAnnotator:
    """Labels by comparing words, numbers, names and negation with the question's document.

    A baseline for machines without a GPU, not a judge: it knows no synonyms and cannot tell who
    did what to whom. No Facts: nothing to look up beside what the question says itself.
    No Hallucination: enough of the words, and all numbers and names, are in the document.
    Contradictory: a point of the document about the same thing has another number or name, or
    says the opposite. Unverifiable: the rest.

    Measured per sentence (positive: hallucinated) on the question-answering part of RAGTruth (Niu
    et al., ACL 2024), development half, 2753 sentences: precision 0.32, recall 0.68, F1 0.44.
    Humans marked only 8 % of them, so precision is low: "always" has F1 0.15, chance at the
    annotator's rate 0.11. ``min_coverage`` was chosen there among 0.4, 0.5, 0.6, 0.7 and 0.8 (F1
    0.43, 0.44, 0.42, 0.37, 0.33); the others are round values that were not searched for (F1 hardly
    depends on them). Run ``benchmarks/lexical_agreement.py`` to measure again.

    Attributes:
        min_coverage: share of a sentence's words that a document holds when it supports it.
        min_overlap: share of its words that a point about the same thing holds.
        min_agreement: share of its words that a point holds whose "not" is set against it.
        max_points: how many points are named for a supported sentence.
    """

    min_coverage: float = 0.5
    min_overlap: float = 0.25
    min_agreement: float = 0.8
    max_points: int = 3
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parameters = {f.name: str(getattr(self, f.name)) for f in fields(self) if f.init}
        self.identity = {'name': 'lexical', 'version': '1', **parameters}

    def judge(self, question: Question, text: str, span: tuple[int, int]) -> Dialogue:
        """Return the verdict without asking anything."""
        yield from ()
        start, end = span
        label, points = self.label(question, text[start:end])
        return Sentence(start=start, end=end, label=label, points=points)

    def label(self, question: Question, sentence: str) -> tuple[Label, tuple[str, ...]]:
        """Give the label of one sentence and the points of the document it rests on."""
        claim = read_content(sentence)
        news = _without_what_was_asked(claim, read_content(question.question))
        if _TALK.match(sentence) or not (news.vocabulary or news.numbers):
            return Label.NO_FACTS, ()
        about = claim.words - read_content(question.topic).vocabulary
        points = _read_document(question.document, question.language)
        missing = _missing(news, about, points)
        if self._is_covered(news, points) and not missing:
            used = _closest(news, points, self.max_points)
            denied = used and _denies(news, used[0].content, self.min_agreement)
            label = Label.CONTRADICTORY if denied else Label.NO_HALLUCINATION
            return label, tuple(point.text for point in used)
        for point in self._same_subject(about, points):
            if _conflicts(missing, news, point.content):
                return Label.CONTRADICTORY, (point.text,)
        return Label.UNVERIFIABLE, ()

    def _is_covered(self, news: Content, points: Sequence[_Point]) -> bool:
        known = frozenset().union(*(point.content.vocabulary for point in points))
        return _share(news.words, known) >= self.min_coverage

    def _same_subject(self, about: frozenset[str], points: Sequence[_Point]) -> list[_Point]:
        """The points that share enough words with the claim, those that share most first."""
        shared = [len(about & point.content.vocabulary) for point in points]
        order = sorted(range(len(points)), key=lambda index: -shared[index])
        return [
            points[i] for i in order if shared[i] and shared[i] >= self.min_overlap * len(about)
        ]


def _share(words: frozenset[str], known: frozenset[str]) -> float:
    return len(words & known) / len(words) if words else 1.0


def _without_what_was_asked(claim: Content, asked: Content) -> Content:
    return replace(
        claim,
        words=claim.words - asked.vocabulary,
        name_words=claim.name_words - asked.vocabulary,
        surnames=frozenset(name for name in claim.surnames if not asked.mentions(name)),
        numbers=tuple(n for n in claim.numbers if not any(map(n.equals, asked.numbers))),
    )


@dataclass(frozen=True)
class _Missing:
    """Numbers and names of a claim that the document does not hold."""

    numbers: tuple[Number, ...]
    surnames: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.numbers or self.surnames)


def _missing(news: Content, about: frozenset[str], points: Sequence[_Point]) -> _Missing:
    """A name counts as held only by a point about the same: "Curie" beside "discovered"."""
    contents = [point.content for point in points]
    related = [content for content in contents if not about or about & content.vocabulary]
    known = [number for content in contents for number in content.numbers]
    return _Missing(
        numbers=tuple(n for n in news.numbers if not any(map(n.agrees_with, known))),
        surnames=frozenset(n for n in news.surnames if not any(c.mentions(n) for c in related)),
    )


def _conflicts(missing: _Missing, news: Content, point: Content) -> bool:
    """Whether the point has another number or another name in the place of the missing one."""
    if missing.surnames and point.surnames and not any(map(point.mentions, news.surnames)):
        return True
    return any(a.counts_the_same_as(b) for a in missing.numbers for b in point.numbers)


def _closest(news: Content, points: Sequence[_Point], limit: int) -> list[_Point]:
    """The points that together hold most of the claim, each adding something, best first."""
    held = [_held(news, point.content) for point in points]
    covered: frozenset[str | Number] = frozenset()
    used: list[_Point] = []
    while len(used) < limit:
        best = max(range(len(points)), key=lambda index: len(held[index] - covered))
        if held[best] <= covered:
            break
        covered |= held[best]
        used.append(points[best])
    return used


def _held(news: Content, point: Content) -> frozenset[str | Number]:
    """The words, names and numbers of a claim that a point holds."""
    names = filter(point.mentions, news.surnames)
    numbers = (n for n in news.numbers if any(map(n.agrees_with, point.numbers)))
    return frozenset([*(news.vocabulary & point.vocabulary), *names, *numbers])


def _denies(claim: Content, point: Content, min_agreement: float) -> bool:
    """Whether both say the same, but one of them says "not" before a word that the other states."""
    stated, point_stated = claim.words - claim.negated, point.words - point.negated
    differs = bool(stated & point.negated or claim.negated & point_stated)
    return differs and _share(claim.words, point.vocabulary) >= min_agreement
