"""Values of columns and of sentences: numbers, years, names, words; and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.reading import Token, tokens_of
from maskdpo_xtuner.annotators.words import stem

_SIMILARITY = 0.8  # of two spellings of one name: Ramsay and Ramsey, Wöhler and Wohler
_NO_NAMES = v.TITLES | {'jr', 'et', 'al'}
_SEMICOLON = re.compile(r'\s*;\s*')
_SAYS_NOTHING = v.FUNCTION_WORDS | v.NEGATIONS | v.AUXILIARIES | v.TITLES
_SEPARATOR = re.compile(r'\s*(?:[,;/]|\band\b|&)\s*')


def listed(value: str) -> list[str]:
    """The items of a column that holds several."""
    separator = _SEMICOLON if ';' in value else _SEPARATOR
    return [item for item in separator.split(value) if item]


def persons(value: str) -> list[str]:
    """The persons of a column; "Pierre and Marie Curie" have one surname."""
    shared = re.sub(r'\b(\w+) and (\w+(?: \w+)*? (?:de )?(\w+))', r'\1 \3, \2', value)
    return listed(shared)


def number_range(value: str) -> tuple[float, float] | None:
    """The least and the greatest number of a column's value."""
    tokens = tokens_of(value)
    negative = -1.0 if value.lstrip().startswith('-') else 1.0
    stated = [stated_number(tokens, t.index) for t in tokens if t.value is not None]
    numbers = [negative * abs(number[0]) for number in stated if number]
    return (min(numbers), max(numbers)) if numbers else None


def stated_number(tokens: Sequence[Token], index: int) -> tuple[float, int] | None:
    """The number that begins at ``index`` and where it ends: ``5.4 million``, ``-12``, ``third``.

    None for anything else.
    """
    token = tokens[index]
    value = token.value
    if value is None:
        value = (v.ORDINALS | v.CARDINALS).get(token.word)
        if value is None:
            return None
    if index and tokens[index - 1].text == '-':
        value = -value
    end = index + 1
    while end < len(tokens) and tokens[end].word in v.MAGNITUDES:
        value *= v.MAGNITUDES[tokens[end].word]
        end += 1
    return float(value), end


def agrees(stated: float, text: str, column: str, tolerance: float) -> bool:
    """Tell whether a number is that of the column, within the tolerance or rounded from it."""
    known = number_range(column)
    if known is None:
        return False
    low, high = known
    slack = tolerance * max(abs(low), abs(high))
    if low - slack <= stated <= high + slack:
        return True
    decimals = len(text.partition('.')[2])
    return tolerance > 0 and low == high and '.' in column and round(low, decimals) == stated


def year_agrees(token: Token, following: str, year: int) -> bool | None:
    """Tell whether "1807", "1800s" or "19th" (century) is true of a year; None for no year."""
    if token.value is None:
        return None
    value = int(token.value)
    if following in ('century', 'centuries'):
        return (value - 1) * 100 <= year < value * 100
    if token.text.endswith('s') and 1000 <= value < 2100:
        span = 100 if value % 100 == 0 else 10
        return value <= year < value + span
    if not re.fullmatch(r'1\d{3}|20\d\d', token.text):
        return None
    return value == year and following not in ('bc', 'bce')


def capital_runs(tokens: Sequence[Token], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Runs of capitalized words, with initials and particles inside: ``J. L. von Gay-Lussac``."""
    index = start
    while index < end:
        if not _in_name(tokens[index], first=index == 0):
            index += 1
            continue
        stop = index + 1
        while stop < end:
            if _in_name(tokens[stop], first=False):
                stop += 1
            elif (
                (
                    tokens[stop].text == '.'
                    and len(tokens[stop - 1].text) <= 2
                    or tokens[stop].word in ('von', 'van', 'de', 'der', 'la', 'of', '-', '’', "'")
                )
                and stop + 1 < end
                and _in_name(tokens[stop + 1], first=False)
            ):
                stop += 2
            else:
                break
        yield index, stop
        index = stop


def _in_name(token: Token, first: bool) -> bool:
    if not token.is_capital or token.word in v.CALENDAR | v.TITLES:
        return False
    return token.word not in v.FUNCTION_WORDS or (len(token.text) == 1 and not first)


def similar(a: str, b: str) -> bool:
    """Tell whether two words are spellings of one name."""
    if a == b:
        return True
    return a[:1] == b[:1] and SequenceMatcher(None, a, b).ratio() >= _SIMILARITY


def person_agrees(name: Sequence[Token], persons: Sequence[str]) -> bool:
    """Tell whether a name is that of one of the persons, in some spelling.

    The surname decides; a given name that begins with another letter denies it.
    """
    words = [token.word for token in name if not token.is_mark and token.word not in v.TITLES]
    return bool(words) and any(_is_person(words, person) for person in persons)


def _is_person(words: Sequence[str], person: str) -> bool:
    known = [t.word for t in tokens_of(person) if not t.is_mark and t.word not in _NO_NAMES]
    if not known or not any(similar(a, b) for a in _surnames(words) for b in _surnames(known)):
        return len(words) > 1 and set(words) <= set(known)
    given, known_given = _initials(words[:-1]), _initials(known[:-1])
    return not given or not known_given or bool(given & known_given)


def _surnames(words: Sequence[str]) -> set[str]:
    return {words[-1], words[-1].rpartition('-')[2]}


def _initials(words: Sequence[str]) -> set[str]:
    return {word[0].replace('c', 'k') for word in words}


def content_stems(tokens: Sequence[Token], plain: Sequence[str]) -> dict[int, str]:
    """The stems of the words that say something, by their index in the sentence."""
    return {token.index: stem(token.word) for token in tokens if says_something(token, plain)}


@lru_cache(4096)
def stems_of(text: str, plain: tuple[str, ...]) -> frozenset[str]:
    """The stems of the words of a column's value, or of a question, that say something."""
    return frozenset(content_stems(tokens_of(text), plain).values())


def says_something(token: Token, plain: Sequence[str]) -> bool:
    """Tell whether the token is a content word or a number, and not plain."""
    word = token.word
    if len(word) == 2 and token.text.isupper() and token.index > 0:
        return True
    if token.is_mark or word in _SAYS_NOTHING:
        return False
    if token.value is not None:
        return True
    if len(word) < 2 or word in v.VERBS:
        return False
    return not word.startswith((*plain, *v.PLAIN))
