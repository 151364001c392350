"""What a document says to a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskdpo_xtuner.annotators.lexical.clauses import Clause, Stems
from maskdpo_xtuner.annotators.lexical.document import Point

MIN_AGREEMENT = 0.8


@dataclass(frozen=True)
class Finding:
    """Attributes:
    is_held: whether the document says it.
    used: the points that hold it.
    conflict: the point that says otherwise.
    """

    is_held: bool = False
    used: tuple[Point, ...] = ()
    conflict: Point | None = None
    gains: tuple[int, ...] = ()
    held: float = 0
    total: float = 0


def share(words: Stems, known: Stems) -> float:
    return len(words & known) / len(words) if words else 1.0


def closest(claim: Clause, points: Sequence[Point], limit: int) -> tuple[Point, ...]:
    """The points that together hold most of the claim, each adding something, best first."""
    held = [held_by(claim, point) for point in points]
    covered: frozenset[object] = frozenset()
    used: list[Point] = []
    while len(used) < limit:
        best = max(range(len(points)), key=lambda index: len(held[index] - covered))
        if held[best] <= covered:
            break
        covered |= held[best]
        used.append(points[best])
    return tuple(used)


def held_by(claim: Clause, point: Point) -> frozenset[object]:
    names = filter(point.holds_name, claim.names)
    numbers = (n for n in claim.numbers if any(map(n.equals, point.clause.numbers)))
    return frozenset([*(claim.words & point.vocabulary), *names, *numbers])


def denier(claim: Clause, points: Sequence[Point]) -> Point | None:
    """The point that says the same, but one of them says "not" where the other does not."""
    if not claim.words:
        return None
    for point in points:
        if share(claim.words, point.vocabulary) < MIN_AGREEMENT:
            continue
        stated, other = claim.words - claim.negated, point.vocabulary - point.clause.negated
        if stated & point.clause.negated or claim.negated & other:
            return point
    return None
