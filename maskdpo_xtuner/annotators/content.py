"""What a sentence holds that can be looked up: words, numbers, names, negation; by rules only.

English words are compared by their first letters without endings, Chinese by pairs of characters
(there are no blanks to find words by).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

STEM_LENGTH = 6
CAPITAL_LENGTH = 4


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


FUNCTION_WORDS = _words(
    """a about above after again all also although always am an and another any are around as at
    be became because become been before being below between both but by came can come comes could
    did do does doing done during each either else even ever every few first for from further get
    gets had has have having he her here hers him his how however i if in including into is it its
    itself just last later least let like made make makes many may me might more most much must my
    of often on once one ones only onto or other others our out over own part per quite rather
    said same say says several shall she should since so some such than that the their them then
    there therefore these they this those though through thus to together too toward under until
    up upon us usually various very was way we well were what when where whether which while who
    whom whose why will with within would yet you your doesn don didn isn wasn aren weren won
    couldn wouldn shouldn hasn haven"""
)
NEGATIONS = _words('cannot neither never no nobody none nor not nothing without')
NATIONALITIES = _words(
    """american austrian british canadian chinese danish dutch english european finnish french
    german greek indian irish italian japanese latin norwegian polish russian scottish soviet
    spanish swedish swiss"""
)
NUMBER_WORDS = {
    'two': 2, 'three': 3, 'four': 4, 'five': 5, 'six': 6, 'seven': 7, 'eight': 8, 'nine': 9,
    'ten': 10, 'eleven': 11, 'twelve': 12,
}  # fmt: skip
_CHINESE_NEGATED = re.compile('[不没無无非未](..)')
_CHINESE_BREAK = re.compile('[不没無无非未的了是与及]')

_LIST_MARKER = re.compile(r'^\s*(?:(?:[-*+•·]|\(?\d{1,3}[.)])\s+|\d{1,3}、)')
_TOKEN = re.compile(
    r"""(?P<number>(?<![a-zA-Z\d.])\d+(?:,\d{3})*(?:\.\d+)?)(?:st|nd|rd|th)?
      | (?P<latin>[a-zA-Z]+)(?:['’][a-z]+)?
      | (?P<cjk>[\u3400-\u4dbf\u4e00-\u9fff]+)""",
    re.X,
)
_ENDING = re.compile(r'(?<=..)(?:ing|edly|ed|er|ers|ies|es|s|e|ly|y)$')
_NAME_GAP = re.compile(r'[ .]*')
_OPENS_SENTENCE = re.compile(r'(?:^|[:：;"“*])\W*$')
_NEGATION_REACH = 3  # tokens after a "not" that it denies
_NEIGHBOURHOOD = 2  # tokens on either side of a number that say what it counts


@dataclass(frozen=True)
class Number:
    """A number with the stems of the words around it, which say what it counts."""

    value: float
    decimals: int
    is_year: bool
    neighbours: frozenset[str]

    def equals(self, other: Number) -> bool:
        """Equal as written, or when the finer one is rounded to the decimals of the coarser."""
        if self.decimals == other.decimals:
            return self.value == other.value
        return abs(self.value - other.value) <= 0.5 * 10.0 ** -min(self.decimals, other.decimals)

    def counts_the_same_as(self, other: Number) -> bool:
        """Whether both are years, or both are not and share a word beside them."""
        if self.is_year or other.is_year:
            return self.is_year and other.is_year
        return bool(self.neighbours & other.neighbours)

    def agrees_with(self, other: Number) -> bool:
        """Whether both are equal and may count the same thing."""
        unknown = not (self.neighbours and other.neighbours)
        return self.equals(other) and (unknown or self.counts_the_same_as(other))


@dataclass(frozen=True)
class Content:
    """What can be looked up in one sentence.

    Attributes:
        words: stems of content words that are no part of a name.
        name_words: stems of the words of names.
        surnames: stems of the last word of each name.
        capitals: beginnings of all capitalized words, the first of the sentence included.
        numbers: in digits or as English words.
        negated: stems that a word like "not" stands directly before.
    """

    words: frozenset[str]
    name_words: frozenset[str]
    surnames: frozenset[str]
    capitals: frozenset[str]
    numbers: tuple[Number, ...]
    negated: frozenset[str]

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        return self.words | self.name_words

    def mentions(self, surname: str) -> bool:
        """Whether a name stands here, perhaps in another spelling (Ramsay, Ramsey)."""
        return surname in self.vocabulary or surname[:CAPITAL_LENGTH] in self.capitals


def read_content(sentence: str) -> Content:
    """What ``sentence`` holds, without the mark of a list item before it."""
    text = _LIST_MARKER.sub('', _without_accents(sentence))
    tokens = list(_TOKEN.finditer(text))
    stems = [_stems(token) for token in tokens]
    names = _names(text, tokens)
    name_words = _union(stems[index] for name in names for index in name)
    return Content(
        words=_union(stems) - name_words,
        name_words=name_words,
        surnames=_union(stems[name[-1]] for name in names),
        capitals=frozenset(
            word[:CAPITAL_LENGTH]
            for token, words in zip(tokens, stems, strict=True)
            if _is_capitalized(token)
            for word in words
        ),
        numbers=tuple(_numbers(tokens, stems)),
        negated=_union(_negated(tokens, stems)),
    )


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset(chain.from_iterable(sets))


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize('NFKD', text)
    return ''.join(character for character in decomposed if not unicodedata.combining(character))


def _stems(token: re.Match[str]) -> frozenset[str]:
    if token['cjk']:
        return frozenset(_character_pairs(token['cjk']))
    word = (token['latin'] or '').lower()
    if len(word) < 2 or word in NUMBER_WORDS or word in FUNCTION_WORDS or word in NEGATIONS:
        return frozenset()
    return frozenset([stem(word)])


def stem(word: str) -> str:
    """Give ``discov`` for both ``discoverers`` and ``discovery``: ending off, then cut."""
    return _ENDING.sub('', word)[:STEM_LENGTH]


def _character_pairs(run: str) -> Iterator[str]:
    for piece in _CHINESE_BREAK.split(run):
        yield from (piece[i : i + 2] for i in range(len(piece) - 1))


def _numbers(tokens: Sequence[re.Match[str]], stems: Sequence[frozenset[str]]) -> Iterator[Number]:
    for index, token in enumerate(tokens):
        digits = (token['number'] or '').replace(',', '')
        word_value = NUMBER_WORDS.get((token['latin'] or '').lower())
        if not digits and word_value is None:
            continue
        value = float(digits) if digits else float(word_value or 0)
        nearby = stems[max(0, index - _NEIGHBOURHOOD) : index + _NEIGHBOURHOOD + 1]
        yield Number(
            value=value,
            decimals=len(digits.partition('.')[2]),
            is_year=re.fullmatch(r'1\d{3}|20\d\d', token.group()) is not None,
            neighbours=_union(nearby),
        )


def _negated(
    tokens: Sequence[re.Match[str]], stems: Sequence[frozenset[str]]
) -> Iterator[frozenset[str]]:
    for index, token in enumerate(tokens):
        word = token.group().lower()
        if word in NEGATIONS or word.endswith(("n't", 'n’t')):
            yield from stems[index + 1 : index + 1 + _NEGATION_REACH]
        elif token['cjk']:
            yield frozenset(_CHINESE_NEGATED.findall(word))


def _names(text: str, tokens: Sequence[re.Match[str]]) -> list[list[int]]:
    """Give the runs of capitalized words, as positions in ``tokens``: ``Marie Curie``.

    The first word of a sentence counts only when it begins a longer run.
    """
    runs: list[list[int]] = []
    for index, token in enumerate(tokens):
        if not _is_capitalized(token):
            continue
        follows = bool(runs) and runs[-1][-1] == index - 1
        if follows and _NAME_GAP.fullmatch(text, tokens[index - 1].end(), token.start()):
            runs[-1].append(index)
        else:
            runs.append([index])
    return [run for run in runs if _is_name(text, [tokens[index] for index in run])]


def _is_capitalized(token: re.Match[str]) -> bool:
    word = token['latin'] or ''
    return word[:1].isupper() and word.lower() not in FUNCTION_WORDS | NEGATIONS | NATIONALITIES


def _is_name(text: str, run: Sequence[re.Match[str]]) -> bool:
    opens = _OPENS_SENTENCE.search(text[: run[0].start()]) is not None
    return len(run[-1]['latin']) > 1 and not (opens and len(run) == 1)
