"""Symbols and formulas that a clause states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding, cue_tokens, finding
from maskdpo_xtuner.annotators.table.reading import Clause, Token, tokens_of

_NAMED_AS = ('known', 'to', 'abbreviated', 'denoted', 'written')  # as; "to" of "referred to"
_BEFORE_SIGNS = ('the', 'element', 'symbol', '"', '“', "'", '‘')


def read_symbol(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Signs in a clause with a cue, in brackets after the topic, and as its other name."""
    for token in (*_in_brackets(clause), *_other_names(clause)):
        yield finding(column, clause, token.text == value, token.index, token.index + 1, ())
    cues = column.cues(clause)
    if not cues:
        return
    signs = [t for t in clause.tokens if t.text == value or _is_sign(t.text)]
    signs = [t for t in signs if clause.is_of_topic(t.index)]
    signs = [t for t in signs if t.index > 0 or clause.word(1) in v.COPULAS]
    spelled = _spelled(value, clause)
    if spelled:
        yield finding(column, clause, True, *spelled, cue_tokens(cues))
        return
    signs = [t for t in signs if t.text == value or t.text not in value or value.isalnum()]
    for token in {t.index: t for t in (*signs, *_stated_signs(clause, cues))}.values():
        right = token.text == value
        used = cue_tokens(cues)
        yield finding(column, clause, right, token.index, token.index + 1, used)


def _spelled(value: str, clause: Clause) -> tuple[int, int] | None:
    """Find where a sign of several tokens stands, as a formula is: ``Cu3(CO3)2(OH)2``."""
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


def _other_names(clause: Clause) -> Iterator[Token]:
    """A sign without digits after "known as" and the like: also known as "Sm"."""
    for index in range(clause.start + 1, clause.end - 1):
        if clause.word(index) != 'as' or clause.word(index - 1) not in _NAMED_AS:
            continue
        rest = range(index + 1, clause.end)
        place = next(i for i in (*rest, index) if clause.word(i) not in _BEFORE_SIGNS)
        sign = clause.sentence[place]
        if sign.text.isalpha() and _is_sign(sign.text) and clause.is_of_topic(place):
            yield sign


def _is_sign(text: str) -> bool:
    if text.lower() in v.FUNCTION_WORDS - {'he', 'as', 'at', 'in', 'no', 'be', 'i'}:
        return False
    has_digit = any(character.isdigit() for character in text)
    return text[:1].isupper() and text.isalnum() and (len(text) <= 2 or has_digit)


def _stated_signs(clause: Clause, cues: Sequence[tuple[int, int]]) -> Iterator[Token]:
    """Find what stands for a sign: the symbol "Hel", the symbol boron, is magnesium."""
    for _, end in cues:
        index, says_is = end, False
        while index < clause.end and clause.word(index) in ('of', 'is', ':', 'as', '"', "'", '“'):
            says_is = says_is or clause.word(index) in ('is', ':')
            index += 1
        if index < clause.end and clause.is_of_topic(index):
            token = clause.sentence[index]
            named = any(m.own and m.start == index for m in clause.mentions)
            if token.word not in v.OWN_PRONOUNS and (
                (named and clause.word(end) != 'of') or (token.is_capital and len(token.text) < 4)
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
