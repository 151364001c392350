"""What a clause speaks of, and what it tells of it: its subject and its relation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from maskdpo_xtuner.annotators.lexical.reading import NOTHING, Reading, Stems
from maskdpo_xtuner.annotators.lexical.tokens import Token, stem
from maskdpo_xtuner.annotators.lexical.wording import (
    BARE_VERBS,
    BE,
    COORDINATIONS,
    DETERMINERS,
    FUNCTION_WORDS,
    PERSONAL_PRONOUNS,
    POSSESSIVES,
    PRONOUNS,
    SYMMETRIC,
)

TOPIC = None
_INCLUDE = frozenset(('include', 'includes', 'comprise'))
_SYMMETRIC = frozenset(map(stem, SYMMETRIC))
_OPENS_SUBJECT = DETERMINERS | PRONOUNS
_OWNER_REACH = 7


@dataclass(frozen=True, slots=True)
class Subject:
    """What a clause speaks of.

    Attributes:
        stems: of its names or words; `TOPIC` (None) for the topic of the document.
        is_owner: whether what is told is told of what belongs to it: "the capital of Norway".
        is_definite: whether it is named, or "the" stands before it.
        head: stems of the words that say what of it is spoken of: "capital".
    """

    stems: Stems | None
    is_owner: bool = False
    is_definite: bool = True
    head: Stems = NOTHING


def find_verb(reading: Reading, start: int, end: int) -> int | None:
    """The position of the verb, where it can be told from a noun."""
    tokens = reading.tokens
    for index in range(start, end):
        token = tokens[index]
        if token.is_auxiliary:
            return index
        if token.is_verb and not token.is_capital and not _is_noun(reading, index, start, end):
            return index
    for index in range(start + 1, end):
        before = tokens[index - 1]
        plural = before.is_capital or before.lower.endswith('s') or before.lower == 'they'
        if plural and tokens[index].lower in BARE_VERBS:
            return index
    return None


def _is_noun(reading: Reading, index: int, start: int, end: int) -> bool:
    """Tell whether what looks like a verb stands where a noun does: "its uses", "uses are"."""
    word = reading.tokens[index].lower
    if index > start:
        before = reading.tokens[index - 1]
        if before.lower in ('this', 'that') and word.endswith('s'):
            return False  # "this suggests"
        if before.lower in DETERMINERS or before.is_possessive or before.lower == 'of':
            return not word.endswith('ed')
    if index + 1 == end or not word.endswith('s'):
        return False
    after = reading.tokens[index + 1]
    return after.is_auxiliary or after.lower in _INCLUDE


def find_subject(
    reading: Reading, start: int, verb: int | None, end: int, before: Subject | None
) -> tuple[Subject, range]:
    """The subject of a clause and where it stands; ``before`` is that of the clause before."""
    if verb is None:
        return _of_insertion(reading, start, end, before), range(start, end)
    if leaves_out_topic(reading, start, verb):
        return Subject(TOPIC), range(start, verb)
    span = _span(reading, start, verb)
    subject = _named(reading, span, before)
    owner = _owner_told(reading, verb, end)
    if owner is not None and subject.stems is TOPIC and not reading.of_topic[owner]:
        subject = replace(subject, stems=frozenset([reading.tokens[owner].stem]), is_owner=True)
    return subject, span


def _of_insertion(reading: Reading, start: int, end: int, before: Subject | None) -> Subject:
    """Choose among the parts of "Boron-10, a stable form, is rare" before the verb."""
    if before is not None:
        return replace(before, head=NOTHING)
    opens = start == 0 and end < len(reading.tokens)
    return _named(reading, range(start, end), None) if opens else Subject(TOPIC)


def leaves_out_topic(reading: Reading, start: int, verb: int) -> bool:
    """Tell whether the topic is left out: "Soft, white metal, burns in air"."""
    tokens = reading.tokens
    if verb == start or tokens[verb - 1].text != ',' or tokens[start].lower in _OPENS_SUBJECT:
        return False
    named = any(reading.in_name[start:verb]) or any(reading.of_topic[start:verb])
    return not named and not any(tokens[i].lower in DETERMINERS for i in range(start, verb))


def _span(reading: Reading, start: int, verb: int) -> range:
    """Cut at a comma, or after the last one where "In 1807," comes before."""
    tokens = reading.tokens
    marks = [index for index in range(start, verb) if tokens[index].is_mark]
    if not marks or _is_list_of_names(reading, start, verb):
        return range(start, verb)
    first = tokens[start].lower
    opens = first not in _OPENS_SUBJECT and (first in FUNCTION_WORDS or not tokens[start].stem)
    return range(marks[-1] + 1, verb) if opens else range(start, marks[0])


def _is_list_of_names(reading: Reading, start: int, end: int) -> bool:
    return all(
        reading.in_name[index]
        or reading.of_topic[index]
        or reading.tokens[index].text == ','
        or reading.tokens[index].lower in COORDINATIONS
        for index in range(start, end)
    )


def _named(reading: Reading, span: range, before: Subject | None) -> Subject:
    words = [reading.tokens[index].lower for index in span]
    if not any(reading.tokens[index].stem for index in span):
        is_relative = words == ['that']
        if before is not None and (is_relative or PRONOUNS.isdisjoint(words)):
            return replace(before, head=NOTHING)
        return Subject(TOPIC, is_owner=not POSSESSIVES.isdisjoint(words))
    head = frozenset(reading.tokens[index].stem for index in span if reading.informs[index])
    if words[0] == 'whose' and before is not None:
        return replace(before, is_owner=True, head=head)
    if words[-1] in PERSONAL_PRONOUNS:
        return Subject(TOPIC)  # "At room temperature it is a gas"
    names = [
        last
        for first, last in reading.names
        if first in span and not all(reading.of_topic[first : last + 1])
    ]
    named = frozenset(reading.tokens[last].stem for last in names)
    owner = _owner(reading, span)
    if owner is not None and not reading.of_topic[owner] and reading.in_name[owner]:
        last = next(last for last in names if last >= owner)
        return Subject(frozenset([reading.tokens[last].stem]), is_owner=True, head=head)
    if any(reading.of_topic[index] for index in span):
        if named and owner is None and 'and' in words:
            return Subject(named, is_owner=True, head=head)  # "Norway and Sweden border it"
        return Subject(TOPIC, is_owner=owner is not None, head=head)
    if words[0] in POSSESSIVES:
        return Subject(TOPIC, is_owner=True, head=head)
    if named:
        return Subject(named, head=head)
    if not head or words[0] in DETERMINERS:
        return Subject(TOPIC, head=head)
    return Subject(head, is_definite=False, head=head)


def _owner(reading: Reading, span: range) -> int | None:
    """The position of Norway in "the capital of Norway" and "Norway's capital"."""
    has_noun = False
    for index in span:
        token = reading.tokens[index]
        if token.is_possessive:
            return index
        if token.lower == 'of' and has_noun:
            after = range(index + 1, span.stop)
            return next((i for i in after if reading.in_name[i] or reading.of_topic[i]), None)
        has_noun = has_noun or bool(token.stem)
    return None


def _owner_told(reading: Reading, verb: int, end: int) -> int | None:
    """The position of Norway in "Oslo is the capital of Norway"."""
    if reading.tokens[verb].lower not in BE:
        return None
    for index in range(verb + 1, min(end, verb + _OWNER_REACH)):
        token = reading.tokens[index]
        if token.is_mark or token.is_verb:
            return None
        if token.lower == 'of' and reading.informs[index - 1]:
            if reading.tokens[index - 1].stem in _SYMMETRIC:
                return None
            near = (last for first, last in reading.names if index < first <= index + 2)
            return next(near, None)
    return None


def find_predicate(reading: Reading, start: int, verb: int | None, end: int) -> Stems:
    """The verb that tells: "used" of "is often used in", nothing of "is a metal used in"."""
    if verb is None:
        first = next((i for i in range(start, end) if reading.tokens[i].stem), None)
        opens = first is not None and reading.tokens[first].is_verb and reading.informs[first]
        return frozenset([reading.tokens[first].stem]) if first is not None and opens else NOTHING
    for index in range(verb, end):
        token = reading.tokens[index]
        if token.lower in DETERMINERS:
            break
        if reading.informs[index]:
            is_verb = token.is_verb or (index > verb and _is_infinitive(reading, verb, token))
            return frozenset([token.stem]) if is_verb else NOTHING
    return NOTHING


def _is_infinitive(reading: Reading, verb: int, token: Token) -> bool:
    """Tell whether it is a verb behind another one: "is situated", "does not occur"."""
    bare = token.lower in BARE_VERBS and reading.tokens[verb].lower not in BE
    return bare or token.lower.endswith('ed')


def repeats_topic(reading: Reading, verb: int | None, end: int, head: Stems) -> bool:
    """Tell whether the topic is told of itself: "The symbol for silicon is silicon".

    Without a ``head`` before the verb it may stand after it: "Silicon is the name of silicon".
    """
    if verb is None or reading.tokens[verb].lower not in BE:
        return False
    for index in range(verb + 1, end):
        if reading.of_topic[index]:
            goes_on = index + 1 < end and (reading.informs[index + 1] or reading.in_name[index + 1])
            return not goes_on
        token = reading.tokens[index]
        if reading.informs[index] or reading.in_name[index] or token.value is not None:
            is_head = index + 1 < end and reading.tokens[index + 1].lower in ('of', 'for')
            if head or not is_head:
                return False
            head = frozenset([token.stem])
    return False
