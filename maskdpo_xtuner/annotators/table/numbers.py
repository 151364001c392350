"""Years and numbers that a clause states."""

from __future__ import annotations

from collections.abc import Iterator

from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table.columns import Column, Finding, cue_tokens, events, finding
from maskdpo_xtuner.annotators.table.reading import Clause
from maskdpo_xtuner.builtin.checks import Number


def read_year(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Years, decades and centuries of a clause with a cue."""
    cues = events(column, clause)
    for index in range(clause.start, clause.end) if cues else ():
        following = clause.word(index + 1)
        right = values.year_agrees(clause.sentence[index], following, int(value))
        if right is not None and clause.is_of_topic(index):
            end = index + 1 + (following in ('century', 'centuries', 'bc', 'bce'))
            yield finding(column, clause, right, index, end, cue_tokens(cues))


def read_number(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """The numbers that a cue is nearest to."""
    check: Number = column.check
    for cue in column.cues(clause):
        found = [n for n in _numbers_beside(clause, cue, check.near) if clause.is_of_topic(n[0])]
        for index, end, number in found:
            scaled = _in_unit(check, clause, end, number)
            if scaled is None:
                continue
            stated, stop = scaled
            if stated < check.least:
                continue
            text = clause.sentence[index].text
            right = values.agrees(stated, text, value, check.tolerance)
            yield finding(column, clause, right, index, stop, range(*cue))


def _numbers_beside(
    clause: Clause, cue: tuple[int, int], near: int
) -> Iterator[tuple[int, int, float]]:
    """The first number after a cue, those joined to it, or else the one right before it."""
    after = range(cue[1], min(clause.end, cue[1] + near + 1))
    first = next((i for i in after if values.stated_number(clause.sentence, i)), None)
    if first is None:
        before = range(max(clause.start, cue[0] - 3), cue[0])
        first = next((i for i in before if values.stated_number(clause.sentence, i)), None)
    if first is not None:
        stated = values.stated_number(clause.sentence, first)
        assert stated is not None
        yield first, stated[1], stated[0]
        yield from _range_end(clause, stated[1])


def _range_end(clause: Clause, index: int) -> Iterator[tuple[int, int, float]]:
    """The second number of "6 to 7" and "6-7", where the first one ends at ``index``."""
    if clause.word(index) in ('to', '-', '–') and index + 1 < clause.end:
        stated = values.stated_number(clause.sentence[: index + 3], index + 1)
        if stated:
            yield index + 1, stated[1], abs(stated[0])


def _in_unit(check: Number, clause: Clause, end: int, number: float) -> tuple[float, int] | None:
    """The number in the column's unit and where its unit ends; None for a unit not known."""
    if not check.units:
        return number, end
    for stop in range(min(len(clause.sentence), end + 6), end, -1):
        unit = ''.join(t.word for t in clause.sentence[end:stop])
        unit = unit.removeprefix('degrees').removeprefix('degree')
        for name, (factor, offset) in check.units.items():
            if unit == name.replace(' ', ''):
                return number * factor + offset, stop
    return None
