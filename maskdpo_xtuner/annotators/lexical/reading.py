"""A sentence with its names found: what the readers of values, subjects and clauses look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.annotators.lexical.tokens import Token, read_tokens

Stems = frozenset[str]
NOTHING: Stems = frozenset()

_NAME_GAP = re.compile(r'[ .\-]*')


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence as tokens; the lists have one entry per token.

    Attributes:
        text: the sentence without the mark of a list item.
        tokens: its words, numbers and marks.
        names: the runs of capitalized words as ``(first, last)`` positions.
        in_name: whether the token is part of a name.
        of_topic: whether it is a word of the topic.
        informs: whether it states something: no name, no topic, no light word.
        topic: stems of the topic's words.
    """

    text: str
    tokens: Sequence[Token]
    names: Sequence[tuple[int, int]]
    in_name: Sequence[bool]
    of_topic: Sequence[bool]
    informs: Sequence[bool]
    topic: Stems


def read(sentence: str, topic: Stems, known_names: Stems) -> Reading:
    """Read a sentence about a topic.

    Args:
        sentence: any text.
        topic: stems of the topic's words.
        known_names: words that the document writes with a capital in the middle of a sentence;
            such a word is a name at the start of a sentence too.
    """
    text, tokens, starts, ends = read_tokens(sentence)
    names = [run for run in _runs(text, tokens, starts, ends) if _is_name(tokens, run, known_names)]
    in_name = [False] * len(tokens)
    for first, last in names:
        in_name[first : last + 1] = [True] * (last + 1 - first)
    of_topic = [token.stem in topic for token in tokens]
    informs = [
        token.informs and not named and not own
        for token, named, own in zip(tokens, in_name, of_topic, strict=True)
    ]
    return Reading(text, tokens, names, in_name, of_topic, informs, topic)


def _runs(
    text: str, tokens: Sequence[Token], starts: Sequence[int], ends: Sequence[int]
) -> Iterator[tuple[int, int]]:
    first = last = -2
    for index, token in enumerate(tokens):
        if not (token.is_capital or _is_symbol(tokens, index)):
            continue
        if last == index - 1 and _NAME_GAP.fullmatch(text, ends[last], starts[index]):
            last = index
            continue
        if first >= 0:
            yield first, last
        first = last = index
    if first >= 0:
        yield first, last


def _is_symbol(tokens: Sequence[Token], index: int) -> bool:
    """``He`` in "the symbol He": grammar by its letters, but written like a name."""
    text = tokens[index].text
    if len(text) != 2 or index == 0 or tokens[index].stem or tokens[index].is_mark:
        return False
    return text[0].isupper() and text[1].islower() and tokens[index - 1].text not in (',', ';', ':')


def _is_name(tokens: Sequence[Token], run: tuple[int, int], known_names: Stems) -> bool:
    """Whether it is one: the first word of a sentence has its capital from there."""
    first, last = run
    opens = first == 0 or tokens[first - 1].text in (':', '：')
    return not (opens and first == last) or tokens[first].lower in known_names
