"""Points about one subject: a clause is held when they say the same of the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskdpo_xtuner.annotators.lexical.clauses import Clause
from maskdpo_xtuner.annotators.lexical.document import Document, Point
from maskdpo_xtuner.annotators.lexical.findings import Finding, denier
from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Stems
from maskdpo_xtuner.annotators.lexical.subjects import TOPIC
from maskdpo_xtuner.annotators.lexical.tokens import stem
from maskdpo_xtuner.annotators.lexical.values import Name, Number
from maskdpo_xtuner.annotators.lexical.wording import SUPPORT_VERBS

_MOST_POINTS = 3  # that may hold the words beside the values
_SUPPORT_VERBS = frozenset(map(stem, SUPPORT_VERBS))


def look_up(clause: Clause, asked: Stems, document: Document, min_coverage: float) -> Finding:
    """Find the points that hold a clause: its subject, all its values, and most of its words.

    Args:
        clause: one that states something.
        asked: stems of the question, which need not be held.
        document: one that names its topic.
        min_coverage: how many of its words and values must be held.
    """
    about = [point for point in document.points if _is_about(point, clause)]
    related = [p for p in about if not clause.relation or clause.relation & p.vocabulary]
    if clause.values and not related:
        related = about
    holders = [_holder(value, clause, related) for value in clause.values]
    used = list(dict.fromkeys(point for point in holders if point is not None))
    if len(holders) > sum(point is not None for point in holders):
        missing = [v for v, p in zip(clause.values, holders, strict=True) if p is None]
        return Finding(conflict=_conflict(clause, missing, related))
    opposed = denier(clause, used or related)
    if opposed:
        return Finding(conflict=opposed)
    return _covered(clause, asked, used, related, min_coverage)


def _is_about(point: Point, clause: Clause) -> bool:
    """Whether a point speaks of what the clause speaks of, or the other way round.

    "Sweden borders Norway" is held by "Norway borders Sweden and Finland", and "Davy discovered
    sodium" by "Sodium was discovered by Davy"; "Sweden borders Norway and Finland" is not.
    """
    subject = clause.subject
    words = clause.words | clause.relation | clause.name_stems
    if subject.stems is TOPIC:
        return point.subject is TOPIC or bool(point.subject & words)
    if point.subject is not TOPIC and subject.stems & point.subject:
        return True
    if subject.is_owner or not subject.stems & point.vocabulary:
        return False
    if point.subject is TOPIC:
        is_told = clause.mentions_topic or not subject.is_definite
    else:
        is_told = bool(point.subject & words)
    others = any(name.stems[-1] not in subject.stems for name in clause.names)
    return is_told and not (others and clause.is_active and point.clause.is_active)


def _holder(value: Name | Number, clause: Clause, points: Sequence[Point]) -> Point | None:
    """The point that has a value in the role that it has in the clause."""
    return next((point for point in points if _has(point, value, clause)), None)


def _has(point: Point, value: Name | Number, clause: Clause) -> bool:
    if isinstance(value, Name):
        return _has_name(point, value, clause)
    return _has_number(point, value, clause)


def _has_name(point: Point, name: Name, clause: Clause) -> bool:
    if not point.has_name(name):
        return False
    context = name.context or clause.relation
    if name.is_alias or context & point.vocabulary:
        return True
    return not context and not point.clause.relation


def _has_number(point: Point, number: Number, clause: Clause) -> bool:
    if not point.has_number(number, clause.words | clause.relation):
        return False
    if number.nearest:
        return number.nearest in point.vocabulary
    return bool(number.unit or clause.relation & point.vocabulary or not point.clause.relation)


def _conflict(
    clause: Clause, missing: Sequence[Name | Number], points: Sequence[Point]
) -> Point | None:
    """The point that has another number or name where a missing one would stand."""
    about = clause.words | clause.relation
    near = [p for p in points if about & p.vocabulary and clause.subject.head <= p.vocabulary]
    for point in sorted(near, key=lambda p: -len(about & p.vocabulary)):
        if any(_replaces(point, value, clause) for value in missing):
            return point
    return None


def _replaces(point: Point, value: Name | Number, clause: Clause) -> bool:
    if isinstance(value, Name):
        return _replaces_name(point, value, clause)
    return _replaces_number(point, value, clause)


def _replaces_number(point: Point, number: Number, clause: Clause) -> bool:
    others = (n for n in point.clause.numbers if not any(map(n.equals, clause.numbers)))
    return any(map(number.counts_the_same_as, others))


def _replaces_name(point: Point, name: Name, clause: Clause) -> bool:
    """A name beside one that agrees adds to it, unless both are in one list."""
    if not point.clause.names or (name.context and not name.context & point.vocabulary):
        return False
    return name.is_listed or not any(map(point.has_name, clause.names))


def _covered(
    clause: Clause,
    asked: Stems,
    used: list[Point],
    related: Sequence[Point],
    min_coverage: float,
) -> Finding:
    words = clause.words - asked
    if any(clause.words & point.vocabulary for point in used):
        words -= _SUPPORT_VERBS
    pool = [point for point in related if point not in used]
    if not used:  # a clause without values needs a point that says more than values
        pool = [p for p in pool if clause.relation or _describes(p, clause)]
    left = words.difference(*(point.vocabulary for point in used))
    for point, rest in _cover(left, pool):
        used, left = [*used, point], rest
    total = len(words) + len(clause.values)
    known = NOTHING.union(*(point.vocabulary for point in used))
    is_held = used and clause.subject.head <= known and not clause.repeats_topic
    if not is_held or len(left) > (1 - min_coverage) * total + 1e-9:
        return Finding()
    return Finding(conflict=used[0]) if _differs(clause, used) else Finding(used=tuple(used))


def _describes(point: Point, clause: Clause) -> bool:
    """Whether a point can hold a clause without relation and values: what it is, or all it says."""
    if point.clause.predicate:
        return False
    says_all = len(point.clause.words) > 1 and point.clause.words <= clause.words
    return says_all or not point.is_frame


def _cover(words: Stems, points: Sequence[Point]) -> Iterator[tuple[Point, Stems]]:
    """The points that hold most of the words, each with the words left after it."""
    for _ in range(_MOST_POINTS):
        best = max(points, key=lambda point: len(words & point.vocabulary), default=None)
        if best is None or not words & best.vocabulary:
            return
        words -= best.vocabulary
        yield best, words


def _differs(clause: Clause, used: Sequence[Point]) -> bool:
    """Whether the points that hold all of a clause say it without its "not", or with one."""
    denied = NOTHING.union(*(point.clause.negated for point in used))
    if clause.is_denied:
        return not clause.negated & denied
    return bool(clause.words & denied - clause.negated)
