"""Passages about many things: a sentence is compared with them by its words, names and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.annotators.lexical.clauses import Clause, Name, Number, Stems
from maskdpo_xtuner.annotators.lexical.document import Document, Point
from maskdpo_xtuner.annotators.lexical.findings import Finding, closest, denier, share

MIN_OVERLAP = 0.25


def look_up_in_passages(
    claim: Clause, asked: Stems, document: Document, min_coverage: float, max_points: int
) -> Finding:
    """Find what the passages say to a whole sentence."""
    words = claim.words - asked
    missing = _missing(claim, document.points)
    if not missing and share(words, document.vocabulary) >= min_coverage:
        used = closest(claim, document.points, max_points)
        denied = denier(claim, used[:1])
        return Finding(
            used=used, conflict=denied, is_held=True, gains=tuple(range(len(used), 0, -1))
        )
    for point in _same_subject(claim.words, document.points):
        if _conflicts(missing, claim, point):
            return Finding(conflict=point)
    return Finding()


def _missing(claim: Clause, points: Sequence[Point]) -> list[Name | Number]:
    """A name counts as held only by a point about the same: "Curie" beside "discovered"."""
    about = claim.words
    related = [point for point in points if not about or about & point.vocabulary]
    names = [n for n in claim.names if not any(point.mentions(n) for point in related)]
    numbers = [
        n for n in claim.numbers if not any(_agree(n, m) for p in points for m in p.clause.numbers)
    ]
    return [*names, *numbers]


def _agree(number: Number, other: Number) -> bool:
    unknown = not (number.beside and other.beside)
    return number.equals(other) and (unknown or number.counts_the_same_as(other))


def _same_subject(about: Stems, points: Sequence[Point]) -> list[Point]:
    """The points that share enough words with the claim, those that share most first."""
    shared = {index: len(about & point.vocabulary) for index, point in enumerate(points)}
    order = sorted(shared, key=lambda index: -shared[index])
    return [points[i] for i in order if shared[i] and shared[i] >= MIN_OVERLAP * len(about)]


def _conflicts(missing: Sequence[Name | Number], claim: Clause, point: Point) -> bool:
    """Whether the point has another number or another name in the place of the missing one."""
    names = any(isinstance(value, Name) for value in missing)
    if names and point.clause.names and not any(map(point.mentions, claim.names)):
        return True
    return any(
        value.counts_the_same_as(other)
        for value in missing
        if isinstance(value, Number)
        for other in point.clause.numbers
    )
