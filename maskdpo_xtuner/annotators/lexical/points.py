"""Points about one subject: a clause is held when they say the same of the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maskdpo_xtuner.annotators.lexical.clauses import Clause
from maskdpo_xtuner.annotators.lexical.document import Document, Point
from maskdpo_xtuner.annotators.lexical.findings import Finding, denier
from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Stems
from maskdpo_xtuner.annotators.lexical.subjects import TOPIC
from maskdpo_xtuner.annotators.lexical.tokens import stem
from maskdpo_xtuner.annotators.lexical.values import Name, Number
from maskdpo_xtuner.annotators.lexical.wording import SUPPORT_VERBS

_MOST_POINTS = 3  # that may describe beside the one that holds the values
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
    describing = [point for point in about if point.clause.describes]
    related = _related(clause, about) or (about if clause.values else describing)
    holders = [_holder(value, clause, related, about) for value in clause.values]
    used = list(dict.fromkeys(point for point in holders if point is not None))
    if len(holders) > sum(point is not None for point in holders):
        missing = [v for v, p in zip(clause.values, holders, strict=True) if p is None]
        return Finding(conflict=_conflict(clause, missing, related))
    opposed = denier(clause, used or related)
    if opposed:
        return Finding(conflict=opposed)
    if _gives_topic_as_value(clause, document):
        return Finding()
    words = clause.words - asked
    if not clause.values:
        used = [] if related is describing else _teller(words, related, document)
        if not words - document.frame or not (used or clause.describes):
            return Finding()
    return _covered(clause, words, used, describing, document, min_coverage)


def _related(clause: Clause, points: Sequence[Point]) -> list[Point]:
    """The points that tell the same of the subject: its lustre of "It has a vitreous lustre"."""
    if clause.relation:
        same = [point for point in points if clause.relation & point.vocabulary]
        return same or (list(points) if clause.relation <= _SUPPORT_VERBS else [])
    told = ((p, p.clause.subject.head) for p in points if not p.clause.predicate)
    return [p for p, head in told if head and head <= clause.words - p.clause.narrowing]


def _is_about(point: Point, clause: Clause) -> bool:
    """Tell whether a point speaks of what the clause speaks of, or the other way round.

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


def _holder(
    value: Name | Number, clause: Clause, related: Sequence[Point], about: Sequence[Point]
) -> Point | None:
    """The point that has a value in the role that it has in the clause.

    A role of its own may be told elsewhere: "... is Na, with the atomic number 11".
    """
    role = value.context if isinstance(value, Name) else value.beside
    points = related if not role or role & clause.relation else about
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
    return not context and not point.clause.relation and point.names(name)


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


def names_only_relations(clause: Clause, asked: Stems, document: Document) -> bool:
    """Tell whether a clause names a relation without its value: "It has an atomic number"."""
    if clause.values or clause.is_denied or _gives_topic_as_value(clause, document):
        return False
    return clause.words - asked <= document.frame


def _gives_topic_as_value(clause: Clause, document: Document) -> bool:
    """Tell whether it says "the symbol of boron is boron", or "with the symbol boron"."""
    repeats = clause.repeats_topic and (clause.subject.head or not clause.values)
    return bool(repeats or clause.narrowing & document.frame - document.narrowing)


def _covered(
    clause: Clause,
    words: Stems,
    used: list[Point],
    describing: Sequence[Point],
    document: Document,
    min_coverage: float,
) -> Finding:
    """Tell whether words are held by the points used and by some that describe beside them.

    "Astatine, a radioactive halogen, was discovered in 1940." What the subject is said to be must
    be said of it, not in passing: not "a mineral" by "It occurs in minerals".
    """
    if any(clause.words & point.vocabulary for point in used):
        words -= _SUPPORT_VERBS
    kinds = words & clause.complement if clause.describes else NOTHING
    kinds -= document.frame.union(*(p.clause.relation | p.clause.complement for p in used))
    used, left_kinds = _add(used, kinds, describing, lambda point: point.clause.complement)
    rest = (words - kinds).difference(*(point.vocabulary for point in used))
    used, left = _add(used, rest, describing, lambda point: point.described)
    total = len(words) + len(clause.values)
    known = NOTHING.union(*(point.vocabulary for point in used))
    is_missing = len(left | left_kinds) > (1 - min_coverage) * total + 1e-9
    if not used or is_missing or not clause.subject.head & words <= known:
        return Finding()
    return Finding(conflict=used[0]) if _differs(clause, used) else Finding(used=tuple(used))


def _teller(words: Stems, points: Sequence[Point], document: Document) -> list[Point]:
    """The point that holds most of the words, one that it tells without a value among them."""
    telling = [point for point in points if words & point.told - document.frame]
    return sorted(telling, key=lambda point: -len(words & point.vocabulary))[:1]


def _add(
    used: list[Point], words: Stems, points: Sequence[Point], held: Callable[[Point], Stems]
) -> tuple[list[Point], Stems]:
    """Add the points that hold most of the words; give them and the words left."""
    for _ in range(_MOST_POINTS):
        best = max(points, key=lambda point: len(words & held(point)), default=None)
        if best is None or not words & held(best):
            break
        words -= held(best)
        used = [*used, best] if best not in used else used
    return used, words


def _differs(clause: Clause, used: Sequence[Point]) -> bool:
    """Tell whether the points that hold all of a clause say it without its "not", or with one."""
    denied = NOTHING.union(*(point.clause.negated for point in used))
    if clause.is_denied:
        return not clause.negated & denied
    return bool(clause.words & denied - clause.negated)
