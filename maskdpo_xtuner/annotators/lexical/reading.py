"""A sentence with its names found: what the readers of values, subjects and clauses look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from maskdpo_xtuner.annotators.lexical.tokens import Token, read_tokens, stem

Stems = frozenset[str]
NOTHING: Stems = frozenset()

_ADJECTIVE = 4  # letters that a name shares with its adjective
_ADJECTIVE_ENDINGS = ('an', 'ch', 'ek', 'en', 'ese', 'i', 'ish')
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


def read(sentence: str, topic: Stems, known_names: Stems, others: Stems = NOTHING) -> Reading:
    """Read a sentence about a topic.

    Args:
        sentence: any text.
        topic: stems of the topic's words.
        known_names: words that the document writes with a capital in the middle of a sentence;
            such a word is a name at the start of a sentence too.
        others: parts of the topic's name that name something else, see `other_names`.
    """
    text, tokens, starts, ends = read_tokens(sentence)
    of_topic = [token.stem in topic for token in tokens]
    in_name = [False] * len(tokens)
    names: list[tuple[int, int]] = []
    for first, last in _joined(tokens, _runs(text, tokens, starts, ends), topic):
        whole = slice(first, last + 1)
        if topic & {token.stem for token in tokens[whole]}:
            is_topic = not _is_other(tokens[whole], topic, others)
            of_topic[whole] = [is_topic] * (last + 1 - first)
        elif _is_adjective(tokens, first, last, topic, known_names):
            of_topic[first] = True
            first += 1
        if first <= last and _is_name(tokens, (first, last), known_names):
            names.append((first, last))
            in_name[first : last + 1] = [True] * (last + 1 - first)
    informs = [
        token.informs and not named and not own
        for token, named, own in zip(tokens, in_name, of_topic, strict=True)
    ]
    return Reading(text, tokens, names, in_name, of_topic, informs, topic)


def other_names(sentence: str, topic: Stems) -> Stems:
    """Give the names that are part of the topic's, in a sentence that names it in full too.

    "Sudan" in "South Sudan borders Sudan and Kenya", as stems with spaces between.
    """
    text, tokens, starts, ends = read_tokens(sentence)
    runs = _joined(tokens, _runs(text, tokens, starts, ends), topic)
    stems = [_stems(tokens[first : last + 1]) for first, last in runs]
    if not any(topic == set(run) for run in stems):
        return NOTHING
    return frozenset(' '.join(run) for run in stems if run and topic > set(run))


def _stems(tokens: Sequence[Token]) -> list[str]:
    return [token.stem for token in tokens if token.stem]


def _joined(
    tokens: Sequence[Token], runs: Iterable[tuple[int, int]], topic: Stems
) -> Iterator[tuple[int, int]]:
    """Join runs that "of" joins in the topic's name: Republic of the Congo."""
    before: tuple[int, int] | None = None
    for first, last in runs:
        if before and len(topic) > 1:
            between = [token.lower for token in tokens[before[1] + 1 : first]]
            ends = (tokens[before[1]].stem, tokens[first].stem)
            if between in (['of'], ['of', 'the']) and topic.issuperset(ends):
                before = before[0], last
                continue
        if before:
            yield before
        before = first, last
    if before:
        yield before


def _is_other(run: Sequence[Token], topic: Stems, others: Stems) -> bool:
    """Tell whether a name with words of the topic is another's: South Sudan, Guinea-Bissau."""
    has_more = any(token.informs and token.stem not in topic for token in run)
    return has_more or ' '.join(_stems(run)) in others


def _is_adjective(
    tokens: Sequence[Token], first: int, last: int, topic: Stems, known_names: Stems
) -> bool:
    """Tell whether a name is the topic's adjective and more: "the Norwegian krone"."""
    word = tokens[first].lower
    goes_on = last > first or (last + 1 < len(tokens) and tokens[last + 1].informs)
    if not goes_on or not word.endswith(_ADJECTIVE_ENDINGS):
        return False
    return any(name[:_ADJECTIVE] == word[:_ADJECTIVE] for name in _names_of(topic, known_names))


@lru_cache(maxsize=1024)
def _names_of(topic: Stems, known_names: Stems) -> tuple[str, ...]:
    return tuple(name for name in known_names if stem(name) in topic)


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
    """Tell whether it is one: the first word of a sentence has its capital from there."""
    first, last = run
    opens = first == 0 or tokens[first - 1].text in (':', '：')
    return not (opens and first == last) or tokens[first].lower in known_names
