"""What a clause says the topic is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding, finding
from maskdpo_xtuner.annotators.table.reading import Clause

_CATEGORY_REACH = 10  # words between "is" and what the topic is
_FORM = re.compile('(?:s|es|lic|ic|eous)?')  # metals, metallic, gaseous


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
        for words, name in column.categories:
            if _matches(clause, index, words):
                yield index, index + len(words), name
                index += len(words) - 1
                break
        index += 1


def _matches(clause: Clause, start: int, words: Sequence[str]) -> bool:
    if start + len(words) > clause.end:
        return False
    stated = [t.word.replace('-', '') for t in clause.sentence[start : start + len(words)]]
    return all(
        word.startswith(known) and _FORM.fullmatch(word[len(known) :]) is not None
        for word, known in zip(stated, (w.replace('-', '') for w in words), strict=True)
    )


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
