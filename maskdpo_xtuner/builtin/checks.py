"""How the columns of a table are found again in sentences: one check per column, plain data.

A check names a column, the cue words that say that a sentence states it, and what kind of value
it holds. `maskdpo_xtuner.annotators.table` reads sentences by them. A cue is the beginning of a
word, or of several, to which an ending may be added (``'discover'`` finds "discovered by" and
"its discovery").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """What all checks have.

    Attributes:
        column: the column of the table.
        cues: what says that a clause states this column; without any, every clause may.
        blockers: word beginnings with which the clause is about something else ("awarded").
    """

    column: str
    cues: tuple[str, ...] = ()
    blockers: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Year(Check):
    """A year beside a cue, exactly; "1770s" and "18th century" are right when it lies in them."""


@dataclass(frozen=True)
class Number(Check):
    """The number nearest to a cue; a column of two numbers is a range.

    Attributes:
        tolerance: how far off a right number may be, as a share of the column's.
        units: words after the number, each with the factor and the offset that turn the number
            into the column's unit. Without units none is looked for; a number whose unit is not
            here is not of this column.
        near: how many words may stand between cue and number; 0: the number stands before the cue.
        least: smaller numbers are of something else.
    """

    tolerance: float = 0.0
    units: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    near: int = 8
    least: float = -math.inf


@dataclass(frozen=True)
class Persons(Check):
    """Names of persons beside a cue, known by their surname; all that are named must be right.

    The column holds them with semicolons between, or with commas, ``and`` and slashes.
    """


@dataclass(frozen=True)
class Names(Check):
    """Proper names beside a cue, out of all that the column holds and what ``known`` adds.

    The column holds them with semicolons between, or with commas, ``and`` and slashes. A name that
    only other rows have is wrong; one that no row has is wrong too when the column is ``closed``,
    and is not decided otherwise. A name may be that of another topic (neighbours of a country).

    Attributes:
        known: names beside the column's, each with the other words for it.
        complete: whether the column names all; otherwise a name that it lacks is not decided.
        closed: whether any other capitalized name beside a cue is a wrong value.
        any_case: whether the names are also written in small letters ("euro").
    """

    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True
    closed: bool = False
    any_case: bool = False


@dataclass(frozen=True)
class Symbol(Check):
    """A short sign (``Na``, ``.no``) beside a cue, or in brackets right after the topic."""


@dataclass(frozen=True)
class Category(Check):
    """What the topic is, belongs to or is called: one of the column's values.

    A column that starts with ``not`` denies the rest ("not radioactive").

    Attributes:
        also: for a value, what else is true of its topics (``'halogens': ('nonmetals',)``).
    """

    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Words(Check):
    """Prose: what a clause says after a cue is right as far as the column has its words.

    It can be held or denied, never wrong for another value. Without cues all words must stand in
    one sentence of the column.
    """


@dataclass(frozen=True)
class Origin(Check):
    """Where a name comes from: a language, a word of it in quotation marks, a namesake, prose."""


_OTHER_COUNTRIES = (
    *('Argentina', 'Australia', 'Austria', 'Belgium', 'Bolivia', 'Brazil', 'Bulgaria', 'Canada'),
    *('Chile', 'China', 'Colombia', 'Croatia', 'Cuba', 'Denmark', 'Egypt', 'Ethiopia', 'Finland'),
    *('France', 'Ghana', 'Greece', 'Hungary', 'Iceland', 'India', 'Indonesia', 'Iran', 'Iraq'),
    *('Ireland', 'Israel', 'Italy', 'Jamaica', 'Japan', 'Kazakhstan', 'Kenya', 'Malaysia'),
    *('Mexico', 'Morocco', 'Netherlands', 'New Zealand', 'Nigeria', 'North Korea', 'Norway'),
    *('Pakistan', 'Peru', 'Philippines', 'Poland', 'Portugal', 'Romania', 'Saudi Arabia'),
    *('Serbia', 'Singapore', 'Slovakia', 'Slovenia', 'South Africa', 'South Korea', 'Spain'),
    *('Sweden', 'Switzerland', 'Syria', 'Taiwan', 'Thailand', 'Turkey', 'Uganda', 'Ukraine'),
    *('Venezuela', 'Vietnam', 'Wales', 'Zimbabwe'),
)
COUNTRY_WORDS: Mapping[str, tuple[str, ...]] = {
    'United Kingdom': ('UK', 'U.K.', 'Britain', 'Great Britain', 'British Isles'),
    'England': ('UK', 'United Kingdom', 'Britain', 'Great Britain'),
    'Scotland': ('UK', 'United Kingdom', 'Britain', 'Great Britain'),
    'Great Britain': ('UK', 'United Kingdom', 'Britain', 'England', 'Scotland'),
    'United States': ('USA', 'US', 'U.S.', 'U.S.A.', 'United States of America', 'America'),
    'Russia': ('Russian Federation', 'Russian Empire', 'USSR', 'Soviet Union'),
    'USSR': ('Soviet Union', 'Russia'),
    'Germany': ('Prussia', 'West Germany'),
    **dict.fromkeys(_OTHER_COUNTRIES, ()),
}
"""Names of countries that answers give, with other words for them; for `Names` of places."""
