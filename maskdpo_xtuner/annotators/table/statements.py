"""What a clause states about the columns of a table, one reader for each kind of check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from maskdpo_xtuner.annotators.content import stem
from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.reading import Clause, Token, phrase_at, tokens_of
from maskdpo_xtuner.builtin.checks import (
    Category,
    Check,
    Names,
    Number,
    Origin,
    Persons,
    Symbol,
    Words,
    Year,
)
from maskdpo_xtuner.sentences import split_sentences

_CATEGORY_REACH = 10  # words between "is" and what the topic is
_FORMS = 4  # letters that an ending may add: metal, metallic


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
        """Where a cue stands in the clause; nowhere when a blocker stands there."""
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
    return all(clause.sentence[index + i].word.startswith(word) for i, word in enumerate(words))


def _singular(word: str) -> str:
    return word.removesuffix('es') if word.endswith('ses') else word.removesuffix('s')


def _span(start: int, end: int) -> frozenset[int]:
    return frozenset(range(start, end))


def _finding(
    column: Column, clause: Clause, right: bool, start: int, end: int, cue: Iterable[int]
) -> Finding:
    denied = clause.is_denied(start, end)
    return Finding(column.check.column, right != denied, _span(start, end) | frozenset(cue))


def _tokens_of_cues(cues: Sequence[tuple[int, int]]) -> frozenset[int]:
    return frozenset(i for cue in cues for i in range(*cue))


def read_year(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Years, decades and centuries of a clause with a cue."""
    cues = column.cues(clause)
    for index in range(clause.start, clause.end) if cues else ():
        following = _word(clause, index + 1)
        right = values.year_agrees(clause.sentence[index], following, int(value))
        if right is not None and clause.is_of_topic(index):
            end = index + 1 + (following in ('century', 'centuries', 'bc', 'bce'))
            yield _finding(column, clause, right, index, end, _tokens_of_cues(cues))


def _word(clause: Clause, index: int) -> str:
    return clause.sentence[index].word if index < len(clause.sentence) else ''


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
            text = clause.sentence[index].text
            right = values.agrees(stated, text, value, check.tolerance)
            yield _finding(column, clause, right, index, stop, range(*cue))


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


def read_symbol(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Signs in a clause with a cue, and one in brackets after the topic."""
    for mention in clause.mentions:
        index = mention.end + 1
        if mention.own and clause.start <= index < clause.end - 1:
            if clause.sentence[index - 1].text == '(' and clause.sentence[index + 1].text == ')':
                sign = clause.sentence[index].text
                if _is_sign(sign) and not any(c.isdigit() for c in sign):
                    yield _finding(column, clause, sign == value, index, index + 1, ())
    cues = column.cues(clause)
    if not cues:
        return
    signs = [t for t in clause.tokens if _is_sign(t.text) and clause.is_of_topic(t.index)]
    signs = [t for t in signs if t.index != 0 or cues[0][0] > 1] or _after_is(clause, cues[0][1])
    for token in signs:
        used = _tokens_of_cues(cues)
        right = token.text == value
        yield _finding(column, clause, right, token.index, token.index + 1, used)


def _is_sign(text: str) -> bool:
    if text.lower() in v.FUNCTION_WORDS - {'he', 'as', 'at', 'in', 'no', 'be', 'i'}:
        return False
    return (
        text[:1].isupper() and text.isalnum() and (len(text) <= 2 or any(c.isdigit() for c in text))
    )


def _after_is(clause: Clause, start: int) -> list[Token]:
    """The word that stands right after "is", a colon or in quotation marks after the cue."""
    for index in range(start, clause.end - 1):
        token, following = clause.sentence[index], clause.sentence[index + 1]
        if token.word in ('is', ':') or token.text in '"“\'':
            if following.text in '"“\'' and index + 2 < clause.end:
                following = clause.sentence[index + 2]
            ok = following.word.isalpha() and following.word not in v.FUNCTION_WORDS | v.NEGATIONS
            ends = following.index + 1 >= clause.end or clause.sentence[following.index + 1].is_mark
            return (
                [following] if ok and (ends or _word(clause, following.index + 1) == 'and') else []
            )
    return []


def read_persons(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Persons named beside a cue."""
    cues = column.cues(clause)
    if not cues:
        return
    known = values.listed(value)
    runs = list(values.capital_runs(clause.sentence, clause.start, clause.end))
    for position, (start, end) in enumerate(runs):
        name = clause.sentence[start:end]
        if not clause.is_of_topic(start):
            continue
        right = values.surname_agrees(name, known)
        if right or _is_person(clause, start, end, cues):
            if not right and position + 1 < len(runs) and _word(clause, end) == 'and':
                following = runs[position + 1]
                if following[0] == end + 1 and end - start == 1:
                    right = values.surname_agrees(clause.sentence[slice(*following)], known)
            yield _finding(column, clause, right, start, end, _tokens_of_cues(cues))


def _is_person(clause: Clause, start: int, end: int, cues: Sequence[tuple[int, int]]) -> bool:
    """Whether a run of capitalized words is no place, no organization and no topic."""
    words = [t.word for t in clause.sentence[start:end]]
    if any(w in v.ORGANIZATIONS | v.NATIONALITIES | v.LANGUAGES for w in words):
        return False
    if any(m.start < end and start < m.end for m in clause.mentions):
        return False
    before = [t.word for t in clause.sentence[max(0, start - 1) : start]]
    if before and before[0] in v.BEFORE_PLACES:
        return False
    introduced = bool(before) and (before[0] in v.TITLES | {'by', 'named', 'and', 'when', 'that'})
    acts = any(end <= cue[0] <= end + 2 for cue in cues) and start == 0
    if start == 0 and end - start == 1:
        return acts and not words[0].endswith('s') and not words[0].startswith(v.PLAIN)
    return introduced or end - start >= 2


def read_names(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Names out of a known list beside a cue."""
    cues = column.cues(clause)
    if not cues:
        return
    right_names = set(values.listed(value))
    right_names |= {o for name in right_names for o in column.check.known.get(name, ())}
    for start, end, names in _known_names(column, clause):
        if clause.is_of_topic(start):
            right = bool(names & right_names)
            yield _finding(column, clause, right, start, end, _tokens_of_cues(cues))


def _known_names(column: Column, clause: Clause) -> Iterator[tuple[int, int, set[str]]]:
    """The names of the column in a clause, each with all that it can stand for."""
    index = clause.start
    while index < clause.end:
        longest = next((p for p, _ in column.names if phrase_at(clause.sentence, index, p)), None)
        if longest is None or not clause.sentence[index].is_capital:
            index += 1
            continue
        end = index + len(longest)
        text = ' '.join(longest)
        stands_for = {name for phrase, name in column.names if ' '.join(phrase) == text}
        if not any(m.start < end and index < m.end for m in clause.mentions if m.own):
            yield index, end, stands_for
        index = end


def read_category(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """What the topic is said to be."""
    if not clause.about_topic:
        return
    true = {value, *column.check.also.get(value, ())}
    for start, end, name in _categories(column, clause):
        lead = _lead(clause, start)
        if lead is not None:
            yield _finding(column, clause, name in true, start, end, ())


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
        word.startswith(known) and len(word) - len(known) <= _FORMS
        for word, known in zip(stated, (w.replace('-', '') for w in words), strict=True)
    )


def _lead(clause: Clause, index: int) -> int | None:
    """Where the "is" (or the topic itself) stands that makes the word at ``index`` a complement."""
    for i in range(index - 1, max(clause.start, index - _CATEGORY_REACH) - 1, -1):
        token = clause.sentence[i]
        if token.word in v.COPULAS:
            return i
        if any(m.own and m.end - 1 == i for m in clause.mentions):
            return i if i + 1 < index else None
        if token.word in v.COMPLEMENT_ENDS or token.text in ';:':
            return None
    return None


def read_words(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Prose: which words of the clause the column holds."""
    if clause.about_other or not clause.about_topic:
        return
    check: Check = column.check
    cues = column.cues(clause)
    if check.cues and not cues:
        return
    stated = values.content_stems(clause.tokens, column.plain)
    mentioned = {i for m in clause.mentions for i in range(m.start, m.end)}
    stated = {i: s for i, s in stated.items() if i not in mentioned | _tokens_of_cues(cues)}
    for text in _texts(value, whole=bool(cues)):
        known = set(values.content_stems(tokens_of(text), column.plain).values())
        held = {i for i, s in stated.items() if s in known}
        if held and (cues or (len(held) > 1 and len(held) == len(stated))):
            denied = clause.is_denied(clause.start, clause.end)
            denies = any(t.word in v.NEGATIONS for t in tokens_of(text)) and not cues
            used = frozenset(held) | _tokens_of_cues(cues)
            yield Finding(check.column, denied == denies, used, is_prose=True)
            return


def _texts(value: str, whole: bool) -> list[str]:
    if whole:
        return [value]
    return [value[start:end] for start, end in split_sentences(value, 'en')]


def read_origin(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Languages, quoted words, namesakes and prose of a clause about the name."""
    cues = column.cues(clause)
    if not cues:
        return
    known = [t.word for t in tokens_of(value) if not t.is_mark]
    used = _tokens_of_cues(cues)
    for index in range(clause.start, clause.end):
        token = clause.sentence[index]
        if token.word in v.LANGUAGES and token.is_capital and set(known) & v.LANGUAGES:
            yield _finding(column, clause, token.word in known, index, index + 1, used)
        elif _is_foreign(clause, index):
            right = any(values.similar(token.word, word) for word in known)
            yield _finding(column, clause, right, index, index + 1, used)
    yield from _namesakes(column, clause, known, used)
    yield from _glosses(column, clause, known, used)


def _is_foreign(clause: Clause, index: int) -> bool:
    """A single word in quotation marks after "word" or a language."""
    token = clause.sentence[index]
    if not token.word.isalpha() or index < clause.start + 2:
        return False
    quoted = clause.sentence[index - 1].text in '"“\'‘' and _word(clause, index + 1) in '"”\'’,.'
    before = clause.sentence[index - 2].word
    return quoted and (before in v.LANGUAGES or before in ('word', 'words', 'term', 'name', 'root'))


def _namesakes(
    column: Column, clause: Clause, known: Sequence[str], used: frozenset[int]
) -> Iterator[Finding]:
    """Proper names after "named after" or "in honor of"."""
    text = [t.word for t in clause.sentence]
    marks = [i for i in range(clause.start, clause.end) if text[i] in ('after', 'honor', 'honour')]
    for start, end in values.capital_runs(clause.sentence, clause.start, clause.end):
        if not marks or start < marks[0]:
            continue
        words = [t.word for t in clause.sentence[start:end] if not t.is_mark]
        topic = any(m.start < end and start < m.end for m in clause.mentions if m.own)
        if topic or any(w in v.LANGUAGES | v.NATIONALITIES for w in words):
            continue
        right = any(values.similar(words[-1], word) for word in known)
        yield _finding(column, clause, right, start, end, used)


def _glosses(
    column: Column, clause: Clause, known: Sequence[str], used: frozenset[int]
) -> Iterator[Finding]:
    """Other words of the clause that the column holds."""
    stems = {stem(word) for word in known if word not in v.FUNCTION_WORDS | v.LANGUAGES}
    stated = values.content_stems(clause.tokens, column.plain)
    held = {i for i, s in stated.items() if s in stems}
    if held:
        right = not clause.is_denied(clause.start, max(held) + 1)
        yield Finding(column.check.column, right, frozenset(held) | used, is_prose=True)


READERS: Mapping[type[Check], Callable[[Column, str, Clause], Iterator[Finding]]] = {
    Year: read_year,
    Number: read_number,
    Persons: read_persons,
    Names: read_names,
    Symbol: read_symbol,
    Category: read_category,
    Words: read_words,
    Origin: read_origin,
}
