"""A baseline annotator that needs no model: what a sentence says is looked up in the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

from maskdpo_xtuner.annotators.base import Dialogue
from maskdpo_xtuner.annotators.lexical.clauses import (
    TOPIC,
    Clause,
    Name,
    Number,
    Stems,
    read_claim,
)
from maskdpo_xtuner.annotators.lexical.document import Document, Point, read_document
from maskdpo_xtuner.annotators.lexical.findings import Finding, denier, held_by
from maskdpo_xtuner.annotators.lexical.passages import look_up_in_passages
from maskdpo_xtuner.annotators.lexical.tokens import stem
from maskdpo_xtuner.annotators.lexical.wording import SUPPORT_VERBS
from maskdpo_xtuner.records import Label, Question, Sentence

# Questions, headings, introductions of lists; greetings, and what a chat model says of itself.
_TALK = re.compile(
    r"""\s*(?:\#.*|\*\*[^*]+\*\*[:：]?|.*[?？:：])["'”’」』）)*]*\s*$
      | \W*(?:(?:sure|hello|hi|hey|there|yes|no|thanks|thank\ you|sorry|welcome|certainly
          |of\ course)\b\W*)*
        (?:$|(?:i|let\ me|let\ us|let's|feel\ free|here\ (?:is|are)|as\ an\ ai
          |please\ (?:ask|feel|let|provide)|if\ you\ (?:have|need|want|would)
          |(?:unfortunately\W+)?(?:it\ is\ )?unable\ to
          |(?:(?:unfortunately|however|therefore|but|note\ that)\W+)*
            (?:based\ on\ )?the\ (?:\w+\ )?(?:passages?|documents?|texts?|context|information)\b(?=[^.]*\b(?:not|unable|cannot|sufficient)\b)
          |you(?:['’]re|\ are)\ welcome|(?:this|that)\ is\ an?\ (?:great|good)\ question)\b)
      | \W*(?:你好|您好|当然|好的|谢谢|抱歉|对不起|我|如果[您你]|希望|请)""",
    re.X | re.I | re.S,
)
_FRAGMENT_LENGTH = 5

# Where an answer names its source: "Based on the given passages, ...", "... (Passage 2)."
_SOURCE = re.compile(
    r"""\(?\b(?:(?:according\ to|based\ on|as\ stated\ in|from|in)\ )?
        (?:(?:the|these|this)\ )?(?:(?:given|provided|above)\ )?
        (?:passages?\ \d(?:(?:,|\ and|\ or|,\ and)\ (?:passage\ )?\d)*|(?:given|provided|above)\ (?:passages?|documents?|texts?|context|information)|(?<=\ the\ )passages?)
        (?:\ (?:mentions?|states?|provides?|explains?|says?|recommends?|suggests?|describes?|discusses|notes?|explain|indicates?)\ (?:that\ )?)?\)?,?""",
    re.X | re.I,
)

_SUPPORT_VERBS = frozenset(map(stem, SUPPORT_VERBS))

Verdict = tuple[Label, tuple[str, ...]]


@lru_cache(maxsize=1024)
def _read_question(
    question: str, topic: Stems, known_names: Stems
) -> tuple[Stems, frozenset[float]]:
    claim = read_claim(question, topic, known_names, split=False)
    words = _union(c.words | c.relation | _name_stems(c.names) for c in claim.clauses)
    return words, frozenset(n.value for c in claim.clauses for n in c.numbers)


@dataclass
class LexicalAnnotator:
    """Labels by looking up the clauses of a sentence among the points of the document."""

    min_coverage: float = 0.8
    min_passage_coverage: float = 0.5
    max_points: int = 3
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parameters = {f.name: str(getattr(self, f.name)) for f in fields(self) if f.init}
        self.identity = {'name': 'lexical', 'version': '2', **parameters}

    def judge(self, question: Question, text: str, span: tuple[int, int]) -> Dialogue:
        """Return the verdict without asking anything."""
        yield from ()
        start, end = span
        label, points = self.label(question, text[start:end])
        return Sentence(start=start, end=end, label=label, points=points)

    def label(self, question: Question, sentence: str) -> Verdict:
        """Give the label of one sentence and the points of the document it rests on."""
        if _TALK.match(sentence):
            return Label.NO_FACTS, ()
        english = question.language == 'en'
        document = read_document(question.document, question.topic, question.language)
        one_subject = english and bool(document.topic)
        text = sentence if one_subject else _SOURCE.sub(' ', sentence)
        claim = read_claim(text, document.topic, document.known_names, split=one_subject)
        asked, asked_numbers = _read_question(
            question.question, document.topic, document.known_names
        )
        if claim.is_cut and not claim.has_verb:
            return Label.NO_FACTS, ()
        if english and one_subject and not claim.has_verb and claim.length <= _FRAGMENT_LENGTH:
            return Label.NO_FACTS, ()
        clauses = [c for c in claim.clauses if _states(c, asked, asked_numbers)]
        if not clauses:
            return Label.NO_FACTS, ()
        if not one_subject:
            return self._verdict(
                [
                    look_up_in_passages(
                        clauses[0], asked, document, self.min_passage_coverage, self.max_points
                    )
                ]
            )
        return self._verdict(
            [self._look_up(clause, asked, document, english) for clause in clauses]
        )

    def _verdict(self, findings: list[Finding]) -> Verdict:
        for finding in findings:
            if finding.conflict is not None:
                return Label.CONTRADICTORY, (finding.conflict.text,)
        held = sum(finding.held for finding in findings)
        total = sum(finding.total for finding in findings)
        if not all(finding.is_held for finding in findings) or held < self.min_coverage * total:
            return Label.UNVERIFIABLE, ()
        gains: dict[str, int] = {}
        for finding in findings:
            for point, gain in zip(finding.used, finding.gains, strict=True):
                gains[point.text] = gains.get(point.text, 0) + gain
        used = sorted(gains, key=lambda text: -gains[text])
        return Label.NO_HALLUCINATION, tuple(used[: self.max_points])

    def _look_up(self, clause: Clause, asked: Stems, document: Document, english: bool) -> Finding:
        about = [p for p in document.points if _same_subject(clause, p, document)]
        related = _related(clause, about)
        values = [*clause.names, *clause.numbers]
        if not related and values:
            related = about
        used: list[Point] = []
        missing = []
        for value in values:
            point = _holder(value, clause, related)
            if point is None:
                missing.append(value)
            elif point not in used:
                used.append(point)
        words = clause.words - asked
        if any(clause.words & p.vocabulary for p in used):
            words -= _SUPPORT_VERBS
        if not missing:
            conflict = denier(clause, used or related)
            if conflict:
                return Finding(conflict=conflict)
        else:
            conflict = _conflict(clause, missing, values, related)
            return Finding(conflict=conflict)
        open_words = words.difference(*(p.vocabulary for p in used))
        pool = [p for p in related if p not in used]
        if not clause.relation and not used:
            pool = [p for p in pool if not p.clause.predicate]
        while open_words and len(used) < self.max_points + 2:
            best = max(pool, key=lambda p: len(open_words & p.vocabulary), default=None)
            if best is None or not open_words & best.vocabulary:
                break
            used.append(best)
            pool.remove(best)
            open_words -= best.vocabulary
        if clause.head.difference(*(p.vocabulary for p in used)):
            return Finding()
        if used and _is_denied(clause, used):
            return Finding(conflict=used[0])
        held = len(words) - len(open_words) + len(values)
        return Finding(
            held=held,
            total=len(words) + len(values),
            used=tuple(used),
            is_held=bool(used),
            gains=tuple(len(held_by(clause, point)) for point in used),
        )


def _union(sets: Iterable[Stems]) -> Stems:
    return frozenset().union(*sets)


def _name_stems(names: Iterable[Name]) -> Stems:
    return frozenset(stem for name in names for stem in name.stems)


def _states(clause: Clause, asked: Stems, asked_numbers: frozenset[float]) -> bool:
    news = bool(clause.words - asked)
    news = news or any(name.stems[-1] not in asked for name in clause.names)
    news = news or any(number.value not in asked_numbers for number in clause.numbers)
    return clause.states and news


def _same_subject(clause: Clause, point: Point, document: Document) -> bool:
    if not document.topic:
        return True
    if clause.subject is TOPIC:
        if point.subject is TOPIC:
            return True
        return bool(point.subject & (clause.words | clause.relation | _name_stems(clause.names)))
    if point.subject is not TOPIC and clause.subject & point.subject:
        return True
    if clause.is_owned or not clause.subject & point.vocabulary:
        return False
    if point.subject is TOPIC:
        mentioned = clause.mentions_topic or not clause.is_definite
    else:
        mentioned = bool(point.subject & (clause.words | _name_stems(clause.names)))
    others = [n for n in clause.names if n.stems[-1] not in clause.subject]
    return mentioned and not (others and clause.is_active and point.clause.is_active)


def _is_denied(clause: Clause, used: Sequence[Point]) -> bool:
    """Whether the points that hold all of a clause say it without its "not", or with one."""
    denied = frozenset().union(*(point.clause.negated for point in used))
    if clause.is_denied:
        return not clause.negated & denied
    return bool(clause.words & denied - clause.negated)


def _related(clause: Clause, points: Sequence[Point]) -> list[Point]:
    if clause.relation:
        return [p for p in points if clause.relation & p.vocabulary]
    return list(points)


def _holder(value: Name | Number, clause: Clause, points: Sequence[Point]) -> Point | None:
    """The point that holds a value in the role that it has in the clause."""
    context = value.context or clause.relation
    for point in points:
        if isinstance(value, Name):
            held = point.holds_name(value) and (
                value.is_alias
                or context & point.vocabulary
                or not context
                and not point.clause.relation
            )
        else:
            nearest = value.nearest
            held = point.holds_number(value, clause.words | clause.relation) and (
                value.unit
                and not nearest
                or nearest in point.vocabulary
                or not nearest
                and (clause.relation & point.vocabulary or not point.clause.relation)
            )
        if held:
            return point
    return None


def _conflict(
    clause: Clause,
    missing: Sequence[Name | Number],
    values: Sequence[Name | Number],
    points: Sequence[Point],
) -> Point | None:
    about = clause.words | clause.relation
    near = [p for p in points if about & p.vocabulary and clause.head <= p.vocabulary]
    for point in sorted(near, key=lambda p: -len(about & p.vocabulary)):
        for value in missing:
            if isinstance(value, Number):
                if any(
                    value.counts_the_same_as(n)
                    and not any(v.equals(n) for v in values if isinstance(v, Number))
                    for n in point.clause.numbers
                ):
                    return point
            elif point.clause.names:
                held = any(point.holds_name(v) for v in values if isinstance(v, Name))
                if (value.context & point.vocabulary or not value.context) and (
                    not held or value.listed
                ):
                    return point
    return None
