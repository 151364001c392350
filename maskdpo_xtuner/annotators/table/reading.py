"""A sentence as tokens and clauses, with the topics that it names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from maskdpo_xtuner.annotators.table import vocabulary as v

_LIST_MARKER = re.compile(r'^\s*(?:(?:[-*+•·]|\(?\d{1,3}[.)])\s+)')
_ABBREVIATED = re.compile(r'\b(U)\. ?(S|K)\.(?: ?A\.)?')
_CONTRACTED = re.compile(r"\b(it|he|she|that|there|this|here|who|what)['’]s\b", re.I)
_POSSESSIVE = re.compile("'s?$")
_TOKEN = re.compile(
    r"""(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?P<ending>st|nd|rd|th|s)?(?![^\W\d_])
      | (?P<word>[^\W_]+(?:[’'\-][^\W_]+)*)
      | (?P<mark>[^\w\s]|_)""",
    re.X,
)


@dataclass(frozen=True)
class Token:
    """A word, number or mark; ``word`` is its text in small letters without accents and ``'s``."""

    index: int
    text: str
    word: str
    value: float | None = None
    is_mark: bool = False

    @property
    def is_capital(self) -> bool:
        return self.text[:1].isupper()


@lru_cache(4096)
def tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens of a sentence or of a column's value; values are asked for again and again."""
    expanded = _CONTRACTED.sub(r'\1 is', _ABBREVIATED.sub(r'\1\2', text))
    plain = _LIST_MARKER.sub('', _without_accents(expanded)).replace('−', '-')
    return tuple(_token(index, match) for index, match in enumerate(_TOKEN.finditer(plain)))


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize('NFKD', text)
    return ''.join(c for c in decomposed if not unicodedata.combining(c))


def _token(index: int, match: re.Match[str]) -> Token:
    text = match.group()
    word = _POSSESSIVE.sub('', text.lower().replace('’', "'"))
    value = float(match['number'].replace(',', '')) if match['number'] else None
    return Token(index, text, word, value, match['mark'] is not None)


def phrase_at(tokens: Sequence[Token], start: int, words: Sequence[str]) -> bool:
    """Tell whether the words stand there, each as a token."""
    if start + len(words) > len(tokens):
        return False
    return all(tokens[start + i].word == word for i, word in enumerate(words))


@dataclass(frozen=True)
class Mention:
    """Where a topic is named or meant; ``own`` is the question's topic itself."""

    start: int
    end: int
    own: bool


class Topics:
    """Finds the names of topics in sentences.

    Args:
        names: for each topic all its names.
        not_topics: patterns of the word after a name that make it another thing.
        nouns: words that can stand for the topic after "the", one or several of it.
    """

    def __init__(
        self, names: Mapping[str, Sequence[str]], not_topics: Iterable[str], nouns: Sequence[str]
    ) -> None:
        phrases = [
            (tokens_of(name), topic) for topic, all_names in names.items() for name in all_names
        ]
        self._by_first: dict[str, list[tuple[Sequence[Token], str]]] = {}
        for phrase, topic in sorted(phrases, key=lambda pair: -len(pair[0])):
            self._by_first.setdefault(phrase[0].word, []).append((phrase, topic))
        self._not_topics = re.compile('|'.join(not_topics) or r'(?!)')
        self._nouns = {noun + ending for noun in nouns for ending in ('', 's', 'es')}

    def mentions(self, tokens: Sequence[Token], topic: str) -> list[Mention]:
        """All mentions, names and pronouns, in order."""
        found: list[Mention] = []
        index = 0
        while index < len(tokens):
            mention = self._at(tokens, index, topic)
            if mention:
                found.append(mention)
            index = mention.end if mention else index + 1
        return found

    def _at(self, tokens: Sequence[Token], index: int, topic: str) -> Mention | None:
        word = tokens[index].word
        for phrase, named in self._by_first.get(word, ()):
            if _is_name(tokens, index, phrase) and (named == topic or len(phrase[0].text) > 3):
                end = index + len(phrase)
                return Mention(index, end, named == topic and not self._is_other(tokens, end))
        head, _, rest = word.partition('-')
        if rest and head in self._by_first:
            return Mention(index, index + 1, own=False)
        following = tokens[index + 1].word if index + 1 < len(tokens) else ''
        if word in v.OWN_PRONOUNS:
            return Mention(index, index + 1, own=True)
        if word in ('the', 'this', 'these') and following in self._nouns:
            return Mention(index, index + 1, own=True)
        if word in ('this', 'these') and following in v.AUXILIARIES:
            return Mention(index, index + 1, own=True)
        return None

    def _is_other(self, tokens: Sequence[Token], end: int) -> bool:
        return end < len(tokens) and self._not_topics.fullmatch(tokens[end].word) is not None


def _is_name(tokens: Sequence[Token], index: int, name: Sequence[Token]) -> bool:
    """Tell whether the name stands there; a sign ("He") only as written, not as a first word."""
    if len(name) == 1 and len(name[0].text) <= 3:
        is_word = index == 0 and name[0].word in v.FUNCTION_WORDS | v.NEGATIONS
        return tokens[index].text == name[0].text and not is_word
    return phrase_at(tokens, index, [token.word for token in name])


@dataclass(frozen=True)
class Clause:
    """A part of a sentence with one verb or so.

    Attributes:
        sentence: all tokens of the sentence.
        start: the clause's first token.
        end: the one after its last.
        mentions: of topics, in the whole sentence.
        about_topic: whether its subject is the question's topic.
        about_other: whether its subject is something or someone else.
    """

    sentence: Sequence[Token]
    start: int
    end: int
    mentions: Sequence[Mention]
    about_topic: bool
    about_other: bool

    @property
    def tokens(self) -> Sequence[Token]:
        return self.sentence[self.start : self.end]

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.word for token in self.tokens)

    def word(self, index: int) -> str:
        """The word at an index of the sentence, within the clause or not; empty outside."""
        return self.sentence[index].word if 0 <= index < len(self.sentence) else ''

    def is_of_topic(self, index: int) -> bool:
        """Tell whether a value at ``index`` is said of the topic: the one named last before it."""
        if self.about_other:
            return False
        mentions = [m for m in self.mentions if self.sentence[m.start - 1].text != '(' or m.own]
        before = [m.own for m in mentions if m.start < index]
        after = [m.own for m in mentions if m.start > index]
        return before[-1] if before else not after or after[0]

    def is_denied(self, end: int) -> bool:
        """Tell whether a "not" stands in the clause before a token."""
        text = ' '.join(token.word for token in self.sentence[self.start : end])
        words = v.NOT_NEGATIONS.sub('', text).split()
        count = sum(word in v.NEGATIONS or word.endswith("n't") for word in words)
        return count % 2 == 1 or ('neither' in words and 'nor' in words)


def clauses_of(tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[Clause]:
    """The clauses of a sentence; together they hold all its tokens."""
    starts = [0, *_boundaries(tokens)]
    found: list[Clause] = []
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        if start == end:
            continue
        before = found[-1] if found else None
        topic, other = _subject(tokens, start, end, mentions, before)
        found.append(Clause(tokens, start, end, mentions, topic, other))
    return found


def _boundaries(tokens: Sequence[Token]) -> Iterator[int]:
    cleft = [t.word for t in tokens if not t.is_mark and t.word != 'however'][:2]
    relatives = v.RELATIVES - ({'who', 'that'} if cleft in (['it', 'was'], ['it', 'is']) else set())
    for index, token in enumerate(tokens[1:], start=1):
        following = tokens[index + 1].word if index + 1 < len(tokens) else ''
        if (
            token.text in (';', '—')
            or token.word in relatives | v.CONJUNCTIONS
            or (token.word in ('and', 'so') and following in v.AFTER_AND)
        ):
            yield index


def _subject(
    tokens: Sequence[Token],
    start: int,
    end: int,
    mentions: Sequence[Mention],
    before: Clause | None,
) -> tuple[bool, bool]:
    """Tell whether the clause is about the topic, and whether it is about something else."""
    head = tokens[start].word
    if head in ('who', 'whose', 'whom', 'where') and before:
        return False, True
    if head in ('which', 'that') and before:
        own = _is_antecedent(tokens, start, mentions, before)
        return own, not own
    verb = next((i for i in range(start, end) if is_verb(tokens[i])), end)
    named = [m for m in mentions if start <= m.start < verb]
    if named:
        return named[-1].own, not any(m.own for m in named)
    if before and verb <= start + 2 and head in ('and', 'but', 'so', ';'):
        return before.about_topic, before.about_other
    return False, False


def _is_antecedent(
    tokens: Sequence[Token], start: int, mentions: Sequence[Mention], before: Clause
) -> bool:
    """Tell whether "which" means the topic: it stands after its name, or after what it is."""
    last = start - 1
    while last > 0 and tokens[last].is_mark:
        last -= 1
    if any(m.own and m.end - 1 == last for m in mentions):
        return True
    window = tokens[max(before.start, last - 5) : last]
    return (
        before.about_topic
        and any(t.word in ('a', 'an', 'the') for t in window)
        and not any(t.word in v.BEFORE_PLACES | v.COMPLEMENT_ENDS for t in window)
    )


def is_verb(token: Token) -> bool:
    """Tell whether the word can be the verb of a sentence."""
    word = token.word
    return (
        word in v.AUXILIARIES
        or word in v.VERBS
        or (len(word) > 4 and word.endswith('ed') and not token.is_capital)
    )
