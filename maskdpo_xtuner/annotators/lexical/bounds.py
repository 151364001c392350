"""Where the clauses of a sentence begin and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskdpo_xtuner.annotators.lexical.tokens import Token
from maskdpo_xtuner.annotators.lexical.wording import COORDINATIONS, DETERMINERS, SUBORDINATIONS

_LOOK_AHEAD = 6


def find_bounds(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Give where each clause starts and ends; together they hold all tokens."""
    start, has_verb, insertion = 0, False, _insertion(tokens)
    for index, token in enumerate(tokens):
        if index in insertion or (index > start and has_verb and _opens_clause(tokens, index)):
            yield start, index
            start, has_verb = index, False
        has_verb = has_verb or token.is_verb
    yield start, len(tokens)


def _insertion(tokens: Sequence[Token]) -> tuple[int, ...]:
    """Find "whose capital is Oslo" in "Norway, whose capital is Oslo, is a country"."""
    commas = [index for index, token in enumerate(tokens[:-1]) if token.text == ',']
    if len(commas) < 2 or commas[0] == 0 or any(t.is_verb for t in tokens[: commas[0]]):
        return ()
    for comma in commas[1:]:
        after = tokens[comma + 1]
        if after.is_verb and not after.is_capital:
            return commas[0], comma
    return ()


def _opens_clause(tokens: Sequence[Token], index: int) -> bool:
    token = tokens[index]
    if token.is_mark:
        return token.text in ';；—–' and _has_verb_soon(tokens, index)
    if token.lower in SUBORDINATIONS:
        return True
    if token.lower == 'that':
        return index + 1 < len(tokens) and tokens[index + 1].is_verb
    return token.lower in COORDINATIONS and _has_verb_soon(tokens, index)


def _has_verb_soon(tokens: Sequence[Token], index: int) -> bool:
    """Tell whether "and" joins clauses: a verb comes before the next comma."""
    for position in range(index + 1, min(len(tokens), index + 1 + _LOOK_AHEAD)):
        token = tokens[position]
        if token.is_mark or token.lower in COORDINATIONS:
            return False
        if token.is_auxiliary:
            return True
        if token.is_verb and position <= index + 3 and not token.is_capital:
            return tokens[position - 1].lower not in DETERMINERS
    return False
