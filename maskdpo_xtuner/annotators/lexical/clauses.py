"""What a sentence states: clauses with a subject, a relation, and the values of the relation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from maskdpo_xtuner.annotators.lexical.bounds import find_bounds
from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Reading, Stems, read
from maskdpo_xtuner.annotators.lexical.subjects import (
    TOPIC,
    Subject,
    find_predicate,
    find_subject,
    find_verb,
    leaves_out_topic,
    repeats_topic,
)
from maskdpo_xtuner.annotators.lexical.tokens import Token
from maskdpo_xtuner.annotators.lexical.values import Name, Number, read_names, read_numbers
from maskdpo_xtuner.annotators.lexical.wording import (
    COORDINATIONS,
    COPULAS,
    DANGLING,
    DESCRIBING,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
)

_NEGATION_REACH = 4  # tokens after a "not" that it denies


@dataclass(frozen=True)
class Clause:
    """A part of a sentence with one verb, or a whole sentence.

    Attributes:
        subject: what it speaks of.
        mentions_topic: whether the topic is named in it, or meant by "it".
        predicate: the stem of the verb that tells; nothing for "is" and "has".
        words: stems of all words that inform.
        names: beside the topic's.
        numbers: in digits or as words.
        negated: stems that a word like "not" stands before.
        is_denied: whether there is such a word.
        has_verb: whether it is a clause by its grammar.
        is_active: whether its subject does what the verb says.
        repeats_topic: whether it tells the topic of itself.
        describes: whether it says what its subject is: "It is a radioactive metal".
        complement: stems of what a clause that describes says its subject is: "metal".
        narrowing: stems right before the topic, of which it is one kind: "amorphous boron".
    """

    subject: Subject
    mentions_topic: bool
    predicate: Stems
    words: Stems
    names: tuple[Name, ...]
    numbers: tuple[Number, ...]
    negated: Stems
    is_denied: bool
    has_verb: bool
    is_active: bool
    repeats_topic: bool
    describes: bool
    complement: Stems
    narrowing: Stems

    def under(self, heading: Stems) -> Clause:
        """The same, told of what a heading names: "Uses: ..."."""
        subject = replace(self.subject, head=self.subject.head | heading)
        return replace(self, subject=subject, words=self.words | heading, describes=False)

    @cached_property
    def relation(self) -> Stems:
        """What of the subject is told: "capital", "discovered"."""
        return self.subject.head | self.predicate

    @cached_property
    def name_stems(self) -> Stems:
        return frozenset(stem for name in self.names for stem in name.stems)

    @property
    def values(self) -> tuple[Name | Number, ...]:
        return (*self.names, *self.numbers)

    @property
    def states(self) -> bool:
        """Whether more is there than the name of a relation: not "its capital is"."""
        return bool(self.values or self.words - self.relation or len(self.relation) > 1)


@dataclass(frozen=True)
class Claim:
    """A sentence as its clauses; ``is_cut`` if it ends where no sentence does."""

    clauses: tuple[Clause, ...]
    is_cut: bool
    length: int

    @property
    def has_verb(self) -> bool:
        return any(clause.has_verb for clause in self.clauses)


def read_claim(
    sentence: str,
    topic: Stems,
    known_names: Stems,
    others: Stems = NOTHING,
    *,
    whole: bool = False,
) -> Claim:
    """Read what a sentence states; see `reading.read` for the arguments.

    With ``whole`` all of it is one clause.
    """
    reading = read(sentence, topic, known_names, others)
    bounds = [(0, len(reading.tokens))] if whole else list(find_bounds(reading.tokens))
    is_cut = _is_cut(reading)
    if is_cut:
        start, end = bounds[-1]
        bounds[-1] = (start, _end_of_what_is_said(reading.tokens, start, end))
    clauses: list[Clause] = []
    for start, end in bounds:
        before = clauses[-1].subject if clauses else None
        clauses.append(_read_clause(reading, start, end, before))
    length = sum(not token.is_mark for token in reading.tokens)
    return Claim(tuple(clauses), is_cut, length)


def _is_cut(reading: Reading) -> bool:
    """Tell whether the last word cannot be the last: "The capital of"."""
    if not reading.tokens or reading.text.rstrip()[-1:] in '.!?。！？"':
        return False
    last = reading.tokens[-1]
    return last.lower in DANGLING or (last.is_mark and last.text in ',(;—–/')


def _end_of_what_is_said(tokens: Sequence[Token], start: int, end: int) -> int:
    """Leave out what leads on: "Helium is a gas" of "Helium is a gas made up of a"."""
    while end > start:
        last = tokens[end - 1]
        if not (last.is_mark or last.is_verb) and (last.stem or last.value is not None):
            break
        end -= 1
    return end


def _read_clause(reading: Reading, start: int, end: int, before: Subject | None) -> Clause:
    tokens = reading.tokens
    while start < end and (tokens[start].is_mark or tokens[start].lower in COORDINATIONS):
        start += 1
    verb = find_verb(reading, start, end)
    subject, span = find_subject(reading, start, verb, end, before)
    mentions = subject.stems is TOPIC or any(reading.of_topic[start:end])
    predicate = find_predicate(reading, start, verb, end)
    return Clause(
        subject=subject,
        mentions_topic=mentions or any(tokens[index].lower in PRONOUNS for index in span),
        predicate=predicate,
        words=_words(reading, start, end),
        names=tuple(read_names(reading, start, end)),
        numbers=tuple(read_numbers(reading, start, end)),
        negated=_negated(tokens[start:end]),
        is_denied=any(_denies(tokens, index, end) for index in range(start, end)),
        has_verb=verb is not None,
        is_active=verb is not None and tokens[verb].lower not in COPULAS,
        repeats_topic=_may_repeat(subject) and repeats_topic(reading, verb, end, subject.head),
        describes=not subject.head and _describes(reading, start, verb, end, predicate),
        complement=_words(reading, *_complement(reading, start, verb, end)),
        narrowing=_narrowing(reading, start, end),
    )


def _describes(reading: Reading, start: int, verb: int | None, end: int, predicate: Stems) -> bool:
    """Rule out "There are two forms", "This suggests uses" and "Also in iron ores"."""
    tokens = reading.tokens
    if verb is not None and leaves_out_topic(reading, start, verb):
        return True
    if predicate:
        return False
    if verb is not None:
        follows = tokens[verb + 1].lower if verb + 1 < end else ''
        tells = tokens[verb].lower in DESCRIBING or follows == 'be'
        return tells and tokens[start].lower != 'there'
    opens = start < end and (tokens[start].stem or tokens[start].lower in DETERMINERS)
    return bool(opens)


def _complement(reading: Reading, start: int, verb: int | None, end: int) -> tuple[int, int]:
    if verb is not None:
        leaves_out = leaves_out_topic(reading, start, verb)
        start, end = (start, verb) if leaves_out else (verb + 1, end)
    prepositions = (i for i in range(start, end) if reading.tokens[i].lower in PREPOSITIONS)
    return start, next(prepositions, end)


def _may_repeat(subject: Subject) -> bool:
    return subject.stems is TOPIC or not subject.is_definite


def _narrowing(reading: Reading, start: int, end: int) -> Stems:
    tokens = reading.tokens
    return frozenset(
        tokens[index].stem
        for index in range(start, end - 1)
        if reading.of_topic[index + 1] and reading.informs[index] and not tokens[index].is_verb
    )


def _words(reading: Reading, start: int, end: int) -> Stems:
    """Stems of English words, pairs of Chinese characters."""
    found: set[str] = set()
    for index in range(start, end):
        token = reading.tokens[index]
        if token.pairs:
            found |= token.pairs
        elif reading.informs[index] and token.stem:
            found.add(token.stem)
    return frozenset(found)


def _denies(tokens: Sequence[Token], index: int, end: int) -> bool:
    return tokens[index].is_negation and not (index + 1 < end and tokens[index + 1].lower == 'only')


def _negated(tokens: Sequence[Token]) -> Stems:
    """Find what words like "not" stand before, unless it is stated beside that too."""
    pairs: set[str] = set()
    denied: set[int] = set()
    for index, token in enumerate(tokens):
        pairs |= token.negated_pairs
        if _denies(tokens, index, len(tokens)):
            reach = 1 if token.lower == 'non' else _NEGATION_REACH
            denied.update(range(index + 1, min(len(tokens), index + 1 + reach)))
    stated = {token.stem for index, token in enumerate(tokens) if index not in denied}
    stems = {tokens[index].stem for index in denied}
    return frozenset(pairs | stems - stated - {''})
