"""A column of the table as sentences are read for it, and what is found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table.reading import Clause, tokens_of

# What may follow a cue: discovery, isolation, named; not symbolized, periodic.
_CUE_ENDING = re.compile('(?:e?s|e?d|e|e?rs?|y|ies|ied|ing|ions?|ation|zed)?')


@dataclass(frozen=True)
class Finding:
    """A statement about a column.

    Attributes:
        column: what it is about.
        right: whether the table says so, a "not" taken into account.
        used: the tokens that state it.
        is_prose: whether it rests on words of a text only.
    """

    column: str
    right: bool
    used: frozenset[int]
    is_prose: bool = False


@dataclass(frozen=True)
class Column:
    """A check with what the table's other rows hold in its column.

    Attributes:
        check: what to look for.
        values: the column's values in all rows.
        plain: beginnings of words that state nothing.
    """

    check: Any
    values: tuple[str, ...]
    plain: tuple[str, ...]

    def cues(self, clause: Clause) -> list[tuple[int, int]]:
        """Find where a cue stands in the clause; nowhere when a blocker stands there."""
        if any(t.word.startswith(self.check.blockers) for t in clause.tokens if not t.is_mark):
            return []
        return [
            (index, index + len(words))
            for words in self._cue_words
            for index in range(clause.start, clause.end)
            if _begins(clause, index, words)
        ]

    @cached_property
    def _cue_words(self) -> list[list[str]]:
        return [cue.split() for cue in self.check.cues]

    @cached_property
    def names(self) -> list[tuple[tuple[str, ...], str]]:
        """The words of every name of the column and of ``known``, the longest first."""
        items = {item for value in self.values for item in values.listed(value)}
        known: Mapping[str, Sequence[str]] = self.check.known
        spellings = {(item, item) for item in items | set(known)}
        spellings |= {(other, name) for name, others in known.items() for other in others}
        phrases = [(tuple(t.word for t in tokens_of(text)), name) for text, name in spellings]
        return sorted(phrases, key=lambda pair: (-len(pair[0]), pair))

    @cached_property
    def categories(self) -> list[tuple[list[str], str]]:
        """The words of every category, singular, the longest first."""
        also = [other for others in self.check.also.values() for other in others]
        names = {value.removeprefix('not ') for value in (*self.values, *also)}
        pairs = [([_singular(t.word) for t in tokens_of(name)], name) for name in names]
        return sorted(pairs, key=lambda pair: (-len(pair[0]), -len(pair[0][-1]), pair[1]))


def _begins(clause: Clause, index: int, words: Sequence[str]) -> bool:
    if index + len(words) > clause.end:
        return False
    stated = [token.word for token in clause.sentence[index : index + len(words)]]
    return all(
        word.startswith(cue) and _CUE_ENDING.fullmatch(word[len(cue) :]) is not None
        for word, cue in zip(stated, words, strict=True)
    )


def _singular(word: str) -> str:
    return word.removesuffix('es') if word.endswith('ses') else word.removesuffix('s')


def span(start: int, end: int) -> frozenset[int]:
    return frozenset(range(start, end))


def finding(
    column: Column, clause: Clause, right: bool, start: int, end: int, cue: Iterable[int]
) -> Finding:
    denied = clause.is_denied(start)
    return Finding(column.check.column, right != denied, span(start, end) | frozenset(cue))


def cue_tokens(cues: Sequence[tuple[int, int]]) -> frozenset[int]:
    return frozenset(i for cue in cues for i in range(*cue))


def events(column: Column, clause: Clause) -> list[tuple[int, int]]:
    """Cues that do not have something else as their object ("discovered the electron")."""
    return [cue for cue in column.cues(clause) if not _has_other_object(clause, cue[1])]


def _has_other_object(clause: Clause, index: int) -> bool:
    if clause.word(index) not in ('the', 'a', 'an', 'that'):
        return False
    return not any(m.own and index <= m.start <= index + 4 for m in clause.mentions)
