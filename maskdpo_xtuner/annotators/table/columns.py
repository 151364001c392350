"""A column of the table as sentences are read for it, and what is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table.reading import Clause, tokens_of

# What may follow a cue: discovery, isolation, named; not symbolized, periodic.
_CUE_ENDING = re.compile('(?:e?s|e?d|e|e?rs?|y|ies|ied|ing|ions?|ation|zed)?')
_FORM = re.compile('(?:s|es|lic|ic|eous)?')  # metals, metallic, gaseous
REMEMBERED = 1 << 14  # words: more than a topic's answers have


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
        if not any(map(self._may_cue, clause.words)):  # most clauses and columns
            return []
        starts = [token.index for token in clause.tokens if self._may_cue(token.word)]
        found = [
            (index, index + len(words))
            for words in self._cue_words
            for index in starts
            if _begins(clause, index, words)
        ]
        return [] if found and self._is_blocked(clause) else found

    def _is_blocked(self, clause: Clause) -> bool:
        return any(t.word.startswith(self.check.blockers) for t in clause.tokens if not t.is_mark)

    @cached_property
    def _cue_words(self) -> list[list[str]]:
        return [cue.split() for cue in self.check.cues]

    @cached_property
    def _may_cue(self) -> Callable[[str], bool]:
        """Whether a cue may begin with a word."""
        return _remembered(_CUE_ENDING, [words[0] for words in self._cue_words])

    @cached_property
    def names(self) -> list[tuple[tuple[str, ...], str]]:
        """The words of every name of the column and of ``known``, the longest first."""
        items = {item for value in self.values for item in values.listed(value)}
        known: Mapping[str, Sequence[str]] = self.check.known
        spellings = {(item, item) for item in items | set(known)}
        spellings |= {(other, name) for name, others in known.items() for other in others}
        phrases = [(tuple(t.word for t in tokens_of(text)), name) for text, name in spellings]
        return sorted(phrases, key=lambda pair: (-len(pair[0]), pair))

    def names_from(self, word: str) -> Sequence[tuple[str, ...]]:
        """The words of the names that may begin with a word, also in the plural, longest first."""
        return self._names_by_first.get(word, ())

    @cached_property
    def _names_by_first(self) -> Mapping[str, Sequence[tuple[str, ...]]]:
        found: dict[str, list[tuple[str, ...]]] = {}
        for phrase in dict.fromkeys(phrase for phrase, _ in self.names if phrase):
            plural = f'{phrase[0]}s' if len(phrase) == 1 else phrase[0]
            for first in dict.fromkeys((phrase[0], plural)):
                found.setdefault(first, []).append(phrase)
        return found

    def category_at(self, clause: Clause, start: int) -> tuple[int, str] | None:
        """Where the category that begins at ``start`` ends, and its name; the longest one."""
        if not self._may_be_category(clause.word(start).replace('-', '')):
            return None
        for words, name in self._categories:
            end = start + len(words)
            stated = [t.word.replace('-', '') for t in clause.sentence[start:end]]
            if end <= clause.end and _are_forms(_FORM, stated, words):
                return end, name
        return None

    @cached_property
    def _may_be_category(self) -> Callable[[str], bool]:
        """Whether a category may begin with a word, hyphens left out."""
        return _remembered(_FORM, [words[0] for words, _ in self._categories])

    @cached_property
    def _categories(self) -> list[tuple[list[str], str]]:
        """The words of every category, singular and without hyphens, the longest first."""
        also = [other for others in self.check.also.values() for other in others]
        names = {value.removeprefix('not ') for value in (*self.values, *also)}
        pairs = [([_singular(t.word) for t in tokens_of(name)], name) for name in names]
        pairs.sort(key=lambda pair: (-len(pair[0]), -len(pair[0][-1]), pair[1]))
        return [([word.replace('-', '') for word in words], name) for words, name in pairs]


def _begins(clause: Clause, index: int, words: Sequence[str]) -> bool:
    if index + len(words) > clause.end:
        return False
    stated = [token.word for token in clause.sentence[index : index + len(words)]]
    return _are_forms(_CUE_ENDING, stated, words)


def _are_forms(ending: re.Pattern[str], stated: Sequence[str], words: Sequence[str]) -> bool:
    """Whether each stated word is one of ``words`` with an ending."""
    return all(
        word.startswith(known) and ending.fullmatch(word[len(known) :]) is not None
        for word, known in zip(stated, words, strict=True)
    )


def _remembered(ending: re.Pattern[str], beginnings: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a word is a beginning with an ending, which remembers what it has seen."""
    either = '|'.join(map(re.escape, sorted(set(beginnings))))
    pattern = re.compile(f'(?:{either}){ending.pattern}')
    return lru_cache(REMEMBERED)(lambda word: pattern.fullmatch(word) is not None)


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
