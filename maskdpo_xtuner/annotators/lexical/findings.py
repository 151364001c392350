"""What a document says to a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskdpo_xtuner.annotators.lexical.clauses import Clause
from maskdpo_xtuner.annotators.lexical.document import Point
from maskdpo_xtuner.annotators.lexical.reading import Stems

MIN_AGREEMENT = 0.8


@dataclass(frozen=True)
class Finding:
    """What was found: points that hold a statement, or one that says otherwise, or nothing."""

    used: tuple[Point, ...] = ()
    conflict: Point | None = None

    @property
    def says(self) -> bool:
        return bool(self.used or self.conflict)


def share(words: Stems, known: Stems) -> float:
    """Share of the words that are known; 1 where there are none."""
    return len(words & known) / len(words) if words else 1.0


def held_by(clause: Clause, point: Point) -> frozenset[object]:
    """The words, names and numbers of a clause that a point has."""
    names = (name for name in clause.names if point.has_name(name) or point.mentions(name))
    numbers = (n for n in clause.numbers if any(map(n.equals, point.clause.numbers)))
    return frozenset([*(clause.words & point.vocabulary), *names, *numbers])


def closest(clause: Clause, points: Sequence[Point], limit: int) -> tuple[Point, ...]:
    """The points that together hold most of the clause, each adding something, best first."""
    held = [held_by(clause, point) for point in points]
    covered: frozenset[object] = frozenset()
    used: list[Point] = []
    while len(used) < limit:
        best = max(range(len(points)), key=lambda index: len(held[index] - covered))
        if held[best] <= covered:
            break
        covered |= held[best]
        used.append(points[best])
    return tuple(used)


def denier(clause: Clause, points: Sequence[Point]) -> Point | None:
    """The point that says the same, but one of them says "not" before what the other states."""
    for point in points:
        stated = clause.words - clause.negated
        differs = stated & point.clause.negated or (
            clause.negated & point.vocabulary - point.clause.negated
        )
        if differs and share(clause.words, point.vocabulary) >= MIN_AGREEMENT:
            return point
    return None
