"""What a clause says the topic is."""

from __future__ import annotations

from collections.abc import Iterator

from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding, finding
from maskdpo_xtuner.annotators.table.reading import Clause

_CATEGORY_REACH = 10  # words between "is" and what the topic is


def read_category(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Read what the topic is said to be."""
    if not clause.about_topic:
        return
    true = {value, *column.check.also.get(value, ())}
    for start, end, name in _categories(column, clause):
        lead = _lead(clause, start)
        if lead is not None:
            yield finding(column, clause, name in true, start, end, ())


def _categories(column: Column, clause: Clause) -> Iterator[tuple[int, int, str]]:
    index = clause.start
    while index < clause.end:
        category = column.category_at(clause, index)
        if category:
            yield index, *category
        index = category[0] if category else index + 1


def _lead(clause: Clause, index: int) -> int | None:
    """Find the "is" (or the topic itself) that makes the word at ``index`` a complement."""
    for i in range(index - 1, max(clause.start, index - _CATEGORY_REACH) - 1, -1):
        token = clause.sentence[i]
        if token.word in v.COPULAS or (token.word == 'as' and clause.word(i - 1) in v.BEFORE_AS):
            return i
        if any(m.own and m.end - 1 == i for m in clause.mentions):
            return i if i + 1 < index else None
        if token.word in v.COMPLEMENT_ENDS or token.text in ';:':
            return None
    return None
