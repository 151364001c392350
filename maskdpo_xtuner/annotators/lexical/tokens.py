"""A sentence as tokens: words by their stems, numbers with unit and scale, names, marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from maskdpo_xtuner.annotators.lexical.wording import (
    AUXILIARIES,
    FUNCTION_WORDS,
    LIGHT_WORDS,
    NEGATIONS,
    NUMBER_WORDS,
    PERSON_WORDS,
    SCALES,
    SYNONYMS,
    UNITS,
    VERBS,
)

STEM_LENGTH = 8
_ENDING = re.compile(
    r'(?<=....)(?:ally|al|ic|ion|ive|iv|ity|ment|ous|ness)$|(?<=..)(?:ing|edly|ed|er|ers|ies|es|s|e|ly|y)$'
)
# Phrases that one word says.
_PHRASES = re.compile(
    r"""(?P<none>(?<=\bcapital)\ city\b|(?<=\ba\ )(?:large\ |great\ )?number(?=\ of\b))
      | (?P<inhabitants>\bpeople\ liv\w+|(?<=\d\ )people\b|(?<=lion\ )people\b|(?<=sand\ )people\b)
      | (?P<kind>
          \b(?:the\ |a\ )?(?:group|family|class|category|series|type|kind|form)\ of[ ]
          |\bthe\ (?:city|continent|island|state|town|village|region|kingdom|republic|planet
            |river|month)\ of\ (?=(?-i:[A-Z])))
      | (?P<has>(?<=\ )uses?(?=\ [\w\ ]{3,40}\ as\ (?:its|their|the|a)\b))
      | (?P<of>(?<=[a-z]\ )(?:used|spoken)\ (?:in|by)(?=[\w\ ]+\ (?:is|are)\b))
      | (?P<is>(?:(?<=\b[hi][et])|(?<=\bshe)|(?<=\bthat)|(?<=\bthere))['’]s\b)
      | (?P<non>\bnon(?:-|(?![es]))(?=[a-z]{4}))""",
    re.X | re.I,
)
# "The noble gas family" are the noble gases.
_CLASS_NOUN = re.compile(
    r"""\b(?!(?:a|an|and|another|any|each|every|his|in|into|is|its|new|of|one|or|other|same|some
          |that|the|their|this|to|which)\b)([a-z]{3,})[ ]
        (?:category|class|family|group|series)\b(?![ ](?:of\b|\d))""",
    re.X,
)
_LIST_MARKER = re.compile(r'^\s*(?:(?:[-*+•·]|\(?\d{1,3}[.)])\s+|\d{1,3}、)')
_CHINESE_BREAK = re.compile('[不没無无非未的了是与及]')
_CHINESE_NEGATED = re.compile('[不没無无非未](..)')
_WORDS = {'none': '', 'kind': '', 'non': 'non ', 'is': ' is'}
_TOKEN = re.compile(
    r"""(?P<number>(?:(?<=[\s(])[-−])?(?<![a-zA-Z\d.])\d+(?:,\d{3})*(?:\.\d+)?)
        (?:st|nd|rd|th)?(?![a-zA-Z\d])
      | (?P<latin>[a-zA-Z]+\d[a-zA-Z\d]*|\d+[a-zA-Z][a-zA-Z\d]*|[a-zA-Z]+(?:['’][a-z]*)?
          |(?<![\w.])\.[a-z]{2,6}\b|%|°[CF]?)
      | (?P<cjk>[\u3400-\u4dbf\u4e00-\u9fff]+)
      | (?P<mark>[,;:()\[\]—–/，、；：（）])""",
    re.X,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or mark, the same object wherever it is written the same.

    Attributes:
        text: as written, without accents.
        lower: in small letters, without a possessive ``'s``.
        stem: what it is compared by; empty for marks, numbers and grammar.
        informs: whether it states something, which light words and grammar do not.
        is_capital: whether it may be part of a name.
        is_verb: whether it has the form of a verb; "uses" may be a noun all the same.
        is_auxiliary: whether it is always a verb: "is", "has", "cannot".
        is_negation: whether it denies what follows.
        is_possessive: whether it ends in ``'s``.
        is_mark: whether it is a comma, a bracket and the like.
        value: of a number, in digits or as a word.
        decimals: how many stand behind its point.
        is_year: whether it reads as a year.
        unit: as `wording.UNITS` gives it.
        pairs: of Chinese characters, which stand for words.
        negated_pairs: those behind a Chinese "not".
    """

    text: str
    lower: str
    stem: str = ''
    informs: bool = False
    is_capital: bool = False
    is_verb: bool = False
    is_auxiliary: bool = False
    is_negation: bool = False
    is_possessive: bool = False
    is_mark: bool = False
    value: float | None = None
    decimals: int = 0
    is_year: bool = False
    unit: str = ''
    pairs: frozenset[str] = frozenset()
    negated_pairs: frozenset[str] = frozenset()


def read_tokens(sentence: str) -> tuple[str, list[Token], list[int], list[int]]:
    """Give the text without its list marker, its tokens, and where each starts and ends."""
    text = _PHRASES.sub(_word_for, _LIST_MARKER.sub('', without_accents(sentence)))
    text = _CLASS_NOUN.sub(r'\1', text)
    tokens, starts, ends = [], [], []
    for match in _TOKEN.finditer(text):
        tokens.append(_token(match.group(), match.lastgroup or ''))
        starts.append(match.start())
        ends.append(match.end())
    return text, tokens, starts, ends


def _word_for(phrase: re.Match[str]) -> str:
    return _WORDS.get(phrase.lastgroup or '', phrase.lastgroup or '')


def without_accents(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize('NFKD', text)
    return ''.join(character for character in decomposed if not unicodedata.combining(character))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Give ``discov`` for ``discoverers`` and ``discovery``: its synonym, endings off, then cut."""
    rest = SYNONYMS.get(word, word)
    while (shorter := _ENDING.sub('', rest)) != rest:
        rest = shorter
    return rest[:STEM_LENGTH]


@lru_cache(maxsize=65536)
def _token(text: str, kind: str) -> Token:
    if kind == 'mark':
        return Token(text, text, is_mark=True)
    if kind == 'cjk':
        pairs = frozenset(_character_pairs(text))
        negated = frozenset(_CHINESE_NEGATED.findall(text))
        return Token(text, text, informs=True, pairs=pairs, negated_pairs=negated)
    if kind == 'number':
        return _number(text)
    return _word(text)


def _word(text: str) -> Token:
    base, _, ending = text.replace('’', "'").partition("'")
    lower = base.lower()
    negation = ending == 't' or lower in NEGATIONS
    is_possessive = ending == 's' and lower not in ('it', 'that', 'there', 'here', 'what')
    grammar = lower in FUNCTION_WORDS or negation or lower in AUXILIARIES
    if lower in NUMBER_WORDS:
        return Token(text, lower, value=float(NUMBER_WORDS[lower]))
    single = len(base) == 1
    is_capital = (base[:1].isupper() and not grammar or base[:1] == '.') and base not in ('I', 'A')
    if grammar or (single and not is_capital):
        return Token(
            text,
            lower,
            is_verb=lower in VERBS,
            is_auxiliary=lower in AUXILIARIES or ending == 't',
            is_negation=negation,
            is_possessive=is_possessive,
            unit=UNITS.get(lower, ''),
        )
    unit = UNITS.get(lower, '')
    is_capital = is_capital and (not unit or single)
    light = (
        bool(unit and not single)
        or lower in LIGHT_WORDS
        or lower in PERSON_WORDS
        or lower in SCALES
    )
    return Token(
        text,
        lower,
        stem=stem(lower),
        informs=not light,
        is_capital=is_capital,
        is_verb=lower in VERBS,
        is_possessive=is_possessive,
        unit=unit,
    )


def _number(text: str) -> Token:
    digits = re.sub('(?:st|nd|rd|th)$', '', text).replace(',', '').replace('−', '-')
    is_year = re.fullmatch(r'1\d{3}|20\d\d', text) is not None
    decimals = len(digits.partition('.')[2])
    return Token(text, text, value=float(digits), decimals=decimals, is_year=is_year)


def _character_pairs(run: str) -> Iterator[str]:
    for piece in _CHINESE_BREAK.split(run):
        yield from (piece[i : i + 2] for i in range(len(piece) - 1))
