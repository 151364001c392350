"""The values that a clause gives: names and numbers, with the words that say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Reading, Stems
from maskdpo_xtuner.annotators.lexical.wording import (
    COORDINATIONS,
    DETERMINERS,
    DIRECTIONS,
    PERSON_WORDS,
    SCALES,
)

_CONTEXT_REACH = 7  # words before a value, names not counted, that may say what it is
_CONTEXT_SIZE = 2
_AFTER_REACH = 6
SPELLING = 4  # first letters that two spellings of a name share
_ROUNDED = 10_000  # from here on zeros at the end of a whole number are taken for rounding
_MOST_ROUNDING = 0.04


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a clause.

    Attributes:
        stems: of its words.
        texts: its words in small letters.
        written: its last word as it stands, without a quotation mark.
        context: the stems next before it (or after it) that say what it names.
        is_listed: whether "and" or a comma joins it to another name.
        is_alias: whether it is another name of the topic: "sodium (Na)".
        in_brackets: whether a bracket opens before it: "the krone (NOK)".
        is_of_person: whether it tells of a person only where he is from: "the German chemist".
    """

    stems: tuple[str, ...]
    texts: tuple[str, ...]
    written: str = ''
    context: Stems = NOTHING
    is_listed: bool = False
    is_alias: bool = False
    in_brackets: bool = False
    is_of_person: bool = False

    @property
    def start(self) -> str:
        """The first letters of its last word, which most spellings share (Ramsay, Ramsey)."""
        return self.texts[-1][:SPELLING]

    def fits(self, other: Name) -> bool:
        """Tell whether both may name one: Ramsay and Sir William Ramsey, not North and South."""
        last, other_last = self.texts[-1], other.texts[-1]
        if min(len(last), len(other_last)) < SPELLING and self.written != other.written:
            return False  # a sign: Mo, Mos, MO
        if last != other_last and (self.is_of_person or other.is_of_person):
            return False  # the German chemist, Germany
        if self.stems[-1] != other.stems[-1] and self.start != other.start:
            return False
        return self._directions() == other._directions()

    def _directions(self) -> Stems:
        return frozenset(text for text in self.texts[:-1] if text in DIRECTIONS)


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a clause.

    Attributes:
        value: with its scale: 5.4 million is 5400000.
        step: what its last digit that counts is worth: 100000.
        is_year: whether it reads as a year and has no unit.
        unit: as `wording.UNITS` gives it; empty without one.
        nearest: the stem that says what it counts; empty where none does.
        beside: the stems next to it on both sides.
    """

    value: float
    step: float
    is_year: bool
    unit: str
    nearest: str = ''
    beside: Stems = NOTHING

    def equals(self, other: Number) -> bool:
        """Compare as written, or with the finer one rounded to the digits of the coarser."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if self.value == other.value or self.step == other.step:
            return self.value == other.value
        difference, step = abs(self.value - other.value), max(self.step, other.step)
        if difference > 0.5 * step * (1 + 1e-9):
            return False
        return step <= 1 or difference <= _MOST_ROUNDING * abs(self.value)

    def counts_the_same_as(self, other: Number) -> bool:
        """Tell whether both are years, or neither is and they share a unit or a word beside."""
        if self.is_year or other.is_year:
            return self.is_year and other.is_year
        if self.unit and self.unit == other.unit and not (self.beside and other.beside):
            return True
        return bool(self.beside & other.beside)


def read_names(reading: Reading, start: int, end: int) -> Iterator[Name]:
    """Give the names in a clause, those of the topic left out."""
    tokens = reading.tokens
    for first, last in reading.names:
        if not start <= first < end:
            continue
        run = tokens[first : last + 1]
        stems = tuple(token.stem or token.lower for token in run)
        if all(reading.of_topic[first : last + 1]):
            continue
        alias = _is_alias(reading, first, start)
        yield Name(
            stems,
            texts=tuple(token.lower for token in run),
            written=run[-1].text[: len(run[-1].lower)],
            context=NOTHING if alias else _context_of_name(reading, first, last, start, end),
            is_listed=_is_listed(reading, first, last, start, end),
            is_alias=alias,
            in_brackets=first > start and reading.tokens[first - 1].text == '(',
            is_of_person=last + 1 < end and reading.tokens[last + 1].lower in PERSON_WORDS,
        )


def _is_alias(reading: Reading, first: int, start: int) -> bool:
    """Tell whether a name is another one of the topic: "sodium (Na)", "known as Na"."""
    if first - 2 < start:
        return False
    before, earlier = reading.tokens[first - 1], reading.tokens[first - 2]
    in_brackets = before.text == '(' and reading.of_topic[first - 2]
    return in_brackets or (before.lower == 'as' and earlier.lower in ('known', 'abbreviated'))


def _is_listed(reading: Reading, first: int, last: int, start: int, end: int) -> bool:
    tokens, joints = reading.tokens, (*COORDINATIONS, ',')
    before = first - 2 >= start and reading.in_name[first - 2]
    after = last + 2 < end and reading.in_name[last + 2]
    return (before and tokens[first - 1].lower in joints) or (
        after and tokens[last + 1].lower in joints
    )


def _context_of_name(reading: Reading, first: int, last: int, start: int, end: int) -> Stems:
    before = _before(reading, first, start, over_numbers=True)
    if before:
        return frozenset(before)
    is_told = any(token.is_verb for token in reading.tokens[start:first])
    return frozenset(_after(reading, last, end, only_next=is_told))


def read_numbers(reading: Reading, start: int, end: int) -> Iterator[Number]:
    """Give the numbers in a clause."""
    for index in range(start, end):
        if reading.tokens[index].value is not None:
            yield _number(reading, index, start, end)


def _number(reading: Reading, index: int, start: int, end: int) -> Number:
    token = reading.tokens[index]
    assert token.value is not None
    scale, unit, last = _measure(reading, index, end)
    step = scale * 10.0**-token.decimals
    if step == 1 and token.value >= _ROUNDED:
        while token.value % (step * 10) == 0:
            step *= 10
    before = _before(reading, index, start, over_numbers=False)
    after = _after(reading, last, end, over_numbers=False)
    return Number(
        value=token.value * scale,
        step=step,
        is_year=token.is_year and not unit and scale == 1,
        unit=unit,
        nearest=next(iter([*before, *after]), ''),
        beside=frozenset([*before[:1], *after]),
    )


def _measure(reading: Reading, index: int, end: int) -> tuple[float, str, int]:
    """Scale and unit after a number, and the position of their last word."""
    scale, power, last = 1.0, '', index
    for position in range(index + 1, min(index + 4, end)):
        token = reading.tokens[position]
        if token.lower in SCALES:
            scale, last = SCALES[token.lower], position
        elif token.unit:
            return scale, power + token.unit, position
        elif token.lower in ('square', 'sq', 'cubic'):
            power = 'cubic ' if token.lower == 'cubic' else 'square '
        elif token.lower not in ('°', 'degree', 'degrees'):
            break
    return scale, '', last


def _before(reading: Reading, first: int, start: int, over_numbers: bool) -> list[str]:
    found: list[str] = []
    reach = _CONTEXT_REACH
    for index in range(first - 1, start - 1, -1):
        token = reading.tokens[index]
        if token.value is not None and not over_numbers:
            break
        reach -= not (token.is_mark or token.is_capital or token.lower in COORDINATIONS)
        if reach < 0 or len(found) == _CONTEXT_SIZE:
            break
        if reading.informs[index]:
            found.append(token.stem)
    return found


def _after(
    reading: Reading, last: int, end: int, over_numbers: bool = True, only_next: bool = False
) -> list[str]:
    for index in range(last + 1, min(end, last + 1 + _AFTER_REACH)):
        token = reading.tokens[index]
        if reading.informs[index]:
            return [token.stem]
        if token.is_mark or (token.value is not None and not over_numbers):
            break
        if only_next and token.lower not in DETERMINERS and token.lower != 'as':
            break
    return []
