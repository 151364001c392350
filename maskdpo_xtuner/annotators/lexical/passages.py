"""Passages about many things: a sentence is compared with them by its words, names and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.annotators.lexical.clauses import Clause
from maskdpo_xtuner.annotators.lexical.document import Document, Point
from maskdpo_xtuner.annotators.lexical.findings import Finding, closest, denier, share
from maskdpo_xtuner.annotators.lexical.reading import Stems
from maskdpo_xtuner.annotators.lexical.values import Name, Number

_MIN_OVERLAP = 0.25  # share of a sentence's words that a point about the same thing holds


def look_up_in_passages(
    claim: Clause, asked: Stems, document: Document, min_coverage: float, max_points: int
) -> Finding:
    """Find what the passages say to a whole sentence; ``max_points`` are named."""
    missing = _missing(claim, document.points)
    if not missing and share(claim.words - asked, document.vocabulary) >= min_coverage:
        used = closest(claim, document.points, max_points)
        return Finding(used, conflict=denier(claim, used[:1]))
    for point in _same_subject(claim.words, document.points):
        if _conflicts(missing, claim, point):
            return Finding(conflict=point)
    return Finding()


def _missing(claim: Clause, points: Sequence[Point]) -> list[Name | Number]:
    """List what no point holds; a name needs one about the same: "Curie" beside "discovered"."""
    about = claim.words
    related = [point for point in points if not about or about & point.vocabulary]
    known = [number for point in points for number in point.clause.numbers]
    return [
        *(name for name in claim.names if not any(p.mentions(name) for p in related)),
        *(number for number in claim.numbers if not any(_agree(number, k) for k in known)),
    ]


def _agree(number: Number, other: Number) -> bool:
    unknown = not (number.beside and other.beside)
    return number.equals(other) and (unknown or number.counts_the_same_as(other))


def _same_subject(about: Stems, points: Sequence[Point]) -> list[Point]:
    """The points that share enough words with the claim, those that share most first."""
    shared = [len(about & point.vocabulary) for point in points]
    order = sorted(range(len(points)), key=lambda index: -shared[index])
    return [points[i] for i in order if shared[i] and shared[i] >= _MIN_OVERLAP * len(about)]


def _conflicts(missing: Sequence[Name | Number], claim: Clause, point: Point) -> bool:
    """Tell whether the point has another number or name in the place of the missing one."""
    names = any(isinstance(value, Name) for value in missing)
    if names and point.clause.names and not any(map(point.mentions, claim.names)):
        return True
    return any(
        value.counts_the_same_as(other)
        for value in missing
        if isinstance(value, Number)
        for other in point.clause.numbers
    )
