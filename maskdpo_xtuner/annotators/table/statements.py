"""What a clause states about the columns of a table, one reader for each kind of check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from maskdpo_xtuner.annotators.content import stem
from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.reading import (
    Clause,
    Token,
    is_verb,
    phrase_at,
    tokens_of,
)
from maskdpo_xtuner.builtin.checks import (
    COUNTRY_WORDS,
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

_COUNTRIES = {*COUNTRY_WORDS, *(word for words in COUNTRY_WORDS.values() for word in words)}
_CATEGORY_REACH = 10  # words between "is" and what the topic is
_CUE_ENDING = 3  # letters that may follow a cue: discover, discovery, discovering
_FORM = re.compile('(?:s|es|lic|ic|eous)?')  # metals, metallic, gaseous


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
    stated = [token.word for token in clause.sentence[index : index + len(words)]]
    return all(
        word.startswith(cue) and len(word) - len(cue) <= _CUE_ENDING
        for word, cue in zip(stated, words, strict=True)
    )


def _singular(word: str) -> str:
    return word.removesuffix('es') if word.endswith('ses') else word.removesuffix('s')


def _span(start: int, end: int) -> frozenset[int]:
    return frozenset(range(start, end))


def _finding(
    column: Column, clause: Clause, right: bool, start: int, end: int, cue: Iterable[int]
) -> Finding:
    denied = clause.is_denied(start)
    return Finding(column.check.column, right != denied, _span(start, end) | frozenset(cue))


def _tokens_of_cues(cues: Sequence[tuple[int, int]]) -> frozenset[int]:
    return frozenset(i for cue in cues for i in range(*cue))


def _events(column: Column, clause: Clause) -> list[tuple[int, int]]:
    """Cues that do not have something else as their object ("discovered the electron")."""
    return [cue for cue in column.cues(clause) if not _has_other_object(clause, cue[1])]


def _has_other_object(clause: Clause, index: int) -> bool:
    if _word(clause, index) not in ('the', 'a', 'an', 'that'):
        return False
    return not any(m.own and index <= m.start <= index + 4 for m in clause.mentions)


def read_year(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Years, decades and centuries of a clause with a cue."""
    cues = _events(column, clause)
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
            if stated < check.least:
                continue
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
    for token in _in_brackets(clause):
        yield _finding(column, clause, token.text == value, token.index, token.index + 1, ())
    cues = column.cues(clause)
    if not cues:
        return
    signs = [t for t in clause.tokens if _is_sign(t.text) and clause.is_of_topic(t.index)]
    signs = [t for t in signs if t.index > 0 or _word(clause, 1) in v.COPULAS]
    spelled = _spelled(value, clause)
    if spelled:
        yield _finding(column, clause, True, *spelled, _tokens_of_cues(cues))
        return
    signs = [t for t in signs if t.text == value or t.text not in value or value.isalnum()]
    for token in {t.index: t for t in (*signs, *_stated_signs(clause, cues))}.values():
        right = token.text == value
        used = _tokens_of_cues(cues)
        yield _finding(column, clause, right, token.index, token.index + 1, used)


def _spelled(value: str, clause: Clause) -> tuple[int, int] | None:
    """Where a sign of several tokens stands, as a formula is: ``Cu3(CO3)2(OH)2``."""
    wanted = [token.text for token in tokens_of(value)]
    texts = [token.text for token in clause.tokens]
    for start in range(len(texts) - len(wanted) + 1):
        if len(wanted) > 1 and texts[start : start + len(wanted)] == wanted:
            return clause.start + start, clause.start + start + len(wanted)
    return None


def _in_brackets(clause: Clause) -> Iterator[Token]:
    """A sign without digits in brackets right after the topic's name."""
    for mention in clause.mentions:
        after = clause.sentence[mention.end : mention.end + 3]
        if mention.own and clause.start <= mention.start < clause.end and len(after) == 3:
            opening, sign, closing = (token.text for token in after)
            if opening == '(' and closing == ')' and sign.isalpha() and _is_sign(sign):
                yield after[1]


def _is_sign(text: str) -> bool:
    if text.lower() in v.FUNCTION_WORDS - {'he', 'as', 'at', 'in', 'no', 'be', 'i'}:
        return False
    has_digit = any(character.isdigit() for character in text)
    return text[:1].isupper() and text.isalnum() and (len(text) <= 2 or has_digit)


def _stated_signs(clause: Clause, cues: Sequence[tuple[int, int]]) -> Iterator[Token]:
    """What stands in the place of a sign: the symbol "Hel", the symbol boron, is magnesium."""
    for _, end in cues:
        index, says_is = end, False
        while index < clause.end and _word(clause, index) in ('of', 'is', ':', 'as', '"', "'", '“'):
            says_is = says_is or _word(clause, index) in ('is', ':')
            index += 1
        if index < clause.end and clause.is_of_topic(index):
            token = clause.sentence[index]
            named = any(m.own and m.start == index for m in clause.mentions)
            if token.word not in v.OWN_PRONOUNS and (
                (named and _word(clause, end) != 'of') or (token.is_capital and len(token.text) < 4)
            ):
                yield token
        yield from _after_is(clause, end)


def _after_is(clause: Clause, start: int) -> Iterator[Token]:
    """The topic's name right after "is": the symbol for boron is boron."""
    for index in range(start, clause.end - 1):
        if clause.sentence[index].word == 'is':
            if any(m.own and m.start == index + 1 for m in clause.mentions):
                token = clause.sentence[index + 1]
                if token.word not in (*v.OWN_PRONOUNS, 'the'):
                    yield token
            return


def read_persons(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Persons named beside a cue."""
    cues = _events(column, clause)
    if not cues:
        return
    known = values.persons(value)
    runs = list(values.capital_runs(clause.sentence, clause.start, clause.end))
    for position, (start, end) in enumerate(runs):
        name = clause.sentence[start:end]
        if not clause.is_of_topic(start):
            continue
        right = values.person_agrees(name, known)
        if right or _is_person(clause, start, end, cues):
            if not right and position + 1 < len(runs) and _word(clause, end) == 'and':
                following = runs[position + 1]
                if following[0] == end + 1 and end - start == 1:
                    right = values.person_agrees(clause.sentence[slice(*following)], known)
            yield _finding(column, clause, right, start, end, _tokens_of_cues(cues))


def _is_person(clause: Clause, start: int, end: int, cues: Sequence[tuple[int, int]]) -> bool:
    """Whether a run of capitalized words is no place, no organization and no topic."""
    words = [t.word for t in clause.sentence[start:end]]
    if any(w in v.ORGANIZATIONS | v.NATIONALITIES | v.LANGUAGES for w in words):
        return False
    if any(m.start < end and start < m.end for m in clause.mentions):
        return False
    if ' '.join(t.text for t in clause.sentence[start:end]) in _COUNTRIES:
        return False
    before = [t.word for t in clause.sentence[max(0, start - 2) : start] if t.word != 'the'][-1:]
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
    true = set(values.listed(value))
    true |= {other for name in true for other in column.check.known.get(name, ())}
    for start, end, names in [*_known_names(column, clause), *_unknown_names(column, clause)]:
        # The name of another topic is no subject here: what decides stands before the cue.
        is_topic = any(m.start == start and m.end == end for m in clause.mentions)
        place = min(cues)[0] if is_topic else start
        if clause.is_of_topic(place):
            yield _finding(column, clause, bool(names & true), start, end, _tokens_of_cues(cues))


def _known_names(column: Column, clause: Clause) -> Iterator[tuple[int, int, set[str]]]:
    """The names of the column in a clause, each with all that it can stand for."""
    index = clause.start
    while index < clause.end:
        words = _longest_name(column, clause, index)
        end = index + len(words)
        if words and not _is_within_topic(clause, index, end):
            yield index, end, {name for phrase, name in column.names if phrase == words}
        index = max(end, index + 1)


def _longest_name(column: Column, clause: Clause, index: int) -> tuple[str, ...]:
    if not (column.check.any_case or clause.sentence[index].is_capital):
        return ()
    for phrase, _ in column.names:
        if phrase_at(clause.sentence, index, phrase):
            return phrase
        plural = (*phrase[:-1], f'{phrase[-1]}s')
        if column.check.any_case and phrase_at(clause.sentence, index, plural):
            return phrase
    return ()


def _is_within_topic(clause: Clause, start: int, end: int) -> bool:
    """Whether a name is part of a topic's name, or is the topic itself."""
    around = [m for m in clause.mentions if m.start <= start and end <= m.end]
    return any(m.own or m.end - m.start > end - start for m in around)


def _unknown_names(column: Column, clause: Clause) -> Iterator[tuple[int, int, set[str]]]:
    """Names that no row has, of a closed column."""
    if not column.check.closed:
        return
    known = {i for start, end, _ in _known_names(column, clause) for i in range(start, end)}
    for start, end in values.capital_runs(clause.sentence, clause.start, clause.end):
        words = {t.word for t in clause.sentence[start:end] if len(t.word) > 1}
        meant = any(m.start < end and start < m.end for m in clause.mentions)
        first = start == 0 and end == 1 and _word(clause, 1) not in v.COPULAS
        located = _word(clause, start - 1) in ('in', 'on', 'near', 'of') if start else False
        no_names = words & (v.DIRECTIONS | v.NATIONALITIES | v.LANGUAGES)
        if words and not (meant or first or located or no_names or known & set(range(start, end))):
            yield start, end, set()


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
        word.startswith(known) and _FORM.fullmatch(word[len(known) :]) is not None
        for word, known in zip(stated, (w.replace('-', '') for w in words), strict=True)
    )


def _lead(clause: Clause, index: int) -> int | None:
    """Where the "is" (or the topic itself) stands that makes the word at ``index`` a complement."""
    for i in range(index - 1, max(clause.start, index - _CATEGORY_REACH) - 1, -1):
        token = clause.sentence[i]
        if token.word in v.COPULAS or (token.word == 'as' and _word(clause, i - 1) in v.BEFORE_AS):
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
            denied = clause.is_denied(clause.end)
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
    if not cues or not (clause.about_topic or _is_subject(clause, cues[0][0])):
        return
    known = [t.word for t in tokens_of(value) if not t.is_mark]
    used = _tokens_of_cues(cues)
    for index in range(clause.start, clause.end):
        token = clause.sentence[index]
        if _is_language(clause, index) and set(known) & v.LANGUAGES:
            yield _finding(column, clause, token.word in known, index, index + 1, used)
        elif _is_foreign(clause, index):
            right = any(values.similar(token.word, word) for word in known)
            yield _finding(column, clause, right, index, index + 1, used)
    yield from _namesakes(column, clause, known, used)
    yield from _glosses(column, clause, known, used)


def _is_subject(clause: Clause, index: int) -> bool:
    """Whether a cue stands before the clause's verb: the name comes from."""
    verbs = (token.index for token in clause.tokens if is_verb(token))
    return not clause.about_other and index < next(verbs, index)


def _is_language(clause: Clause, index: int) -> bool:
    """A language that a word comes from: the Latin word, from Greek, in Arabic."""
    token = clause.sentence[index]
    if token.word not in v.LANGUAGES or not token.is_capital:
        return False
    following = _word(clause, index + 1)
    of_word = following in ('word', 'words', 'term', 'name', 'root', 'roots', 'for', ':', '"', '“')
    before = [t.word for t in clause.sentence[max(0, index - 2) : index]]
    ends = index + 1 >= clause.end or clause.sentence[index + 1].is_mark
    return of_word or (ends and bool({'from', 'in'} & set(before)))


def _is_foreign(clause: Clause, index: int) -> bool:
    """A single word in quotation marks after "word" or a language."""
    token = clause.sentence[index]
    if not token.word.isalpha() or index < clause.start + 2:
        return False
    if any(m.start <= index < m.end for m in clause.mentions):
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
    mentioned = {i for m in clause.mentions for i in range(m.start, m.end)}
    held = {i for i, s in stated.items() if s in stems} - mentioned - used
    if held:
        right = not clause.is_denied(max(held))
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
