"""What a sentence states: clauses with a subject, a relation, and the values of the relation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from maskdpo_xtuner.annotators.lexical.tokens import Token, read_tokens, stem
from maskdpo_xtuner.annotators.lexical.wording import (
    BARE_VERBS,
    BE,
    COPULAS,
    DANGLING,
    DETERMINERS,
    DIRECTIONS,
    FUNCTION_WORDS,
    PRONOUNS,
    SCALES,
    SYMMETRIC,
)

_NAME_GAP = re.compile(r'[ .\-]*')
_SUBORDINATE = frozenset(
    ['which', 'who', 'whereas', 'while', 'because', 'although', 'though', 'where', 'when']
)
_COORDINATE = frozenset(('and', 'but', 'or'))
_NEGATION_REACH = 4
_CONTEXT_REACH = 7
_CONTEXT_SIZE = 2
TOPIC = None
_SYMMETRIC = frozenset(map(stem, SYMMETRIC))
_INCLUDE = frozenset(('include', 'includes', 'comprise'))

Stems = frozenset[str]
EMPTY: Stems = frozenset()


@dataclass(frozen=True, slots=True)
class Name:
    stems: tuple[str, ...]
    texts: tuple[str, ...]
    context: Stems = EMPTY
    listed: bool = False
    is_alias: bool = False

    def fits(self, other: Name) -> bool:
        """Whether both may name the same: Ramsay and Sir William Ramsey, not North and South."""
        if not _same_word(self.stems[-1], other.stems[-1], self.texts[-1], other.texts[-1]):
            return False
        return self._directions() == other._directions()

    def _directions(self) -> Stems:
        return frozenset(text for text in self.texts[:-1] if text in DIRECTIONS)


def _same_word(stem: str, other: str, text: str, other_text: str) -> bool:
    if stem == other:
        return True
    return len(text) > 3 and len(other_text) > 3 and text[:4] == other_text[:4]


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    step: float
    is_year: bool
    unit: str
    context: Stems = EMPTY
    beside: Stems = EMPTY
    nearest: str = ''

    def equals(self, other: Number) -> bool:
        """Equal as written, or when the finer one is rounded to the digits of the coarser."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if self.value == other.value:
            return True
        coarse = self if self.step > other.step else other
        fine = other if coarse is self else self
        if coarse.step == fine.step:
            return False
        difference = abs(self.value - other.value)
        if difference > 0.5 * coarse.step * (1 + 1e-9):
            return False
        return coarse.step <= 1 or difference <= 0.04 * abs(fine.value)

    def counts_the_same_as(self, other: Number) -> bool:
        """Whether both are years, or both are not and share a word beside them."""
        if self.is_year or other.is_year:
            return self.is_year and other.is_year
        if self.unit and self.unit == other.unit:
            return bool(not (self.beside and other.beside) or self.beside & other.beside)
        return bool(self.beside & other.beside)


@dataclass(frozen=True, slots=True)
class Clause:
    """Attributes:
    subject: stems of what it speaks of; None for the topic of the document.
    """

    subject: Stems | None
    mentions_topic: bool
    is_owned: bool
    is_definite: bool
    relation: Stems
    predicate: Stems
    head: Stems
    words: Stems
    names: tuple[Name, ...]
    numbers: tuple[Number, ...]
    negated: Stems
    is_denied: bool
    has_verb: bool
    is_active: bool
    states: bool
    content: Stems = field(default=EMPTY)


@dataclass(frozen=True)
class Claim:
    clauses: tuple[Clause, ...]
    is_cut: bool
    has_verb: bool
    length: int


def read_claim(
    sentence: str, topic: Stems, known_names: Stems = EMPTY, split: bool = True
) -> Claim:
    """Read ``sentence``; ``known_names`` are words that a document writes with a capital."""
    text, tokens, starts, ends = read_tokens(sentence)
    length = sum(not token.is_mark for token in tokens)
    cut = _dangling(text, tokens)
    names = _names(text, tokens, starts, ends, known_names)
    bounds = list(_clause_bounds(tokens)) if split else [(0, len(tokens))]
    if cut and bounds:
        start, end = bounds[-1]
        while end > start and _leads_on(tokens[end - 1]):
            end -= 1
        bounds[-1] = (start, end)
    clauses = []
    previous: Clause | None = None
    for start, end in bounds:
        clause = _read_clause(tokens, start, end, names, topic, previous)
        previous = clause
        clauses.append(clause)
    return Claim(tuple(clauses), cut, any(clause.has_verb for clause in clauses), length)


def _dangling(text: str, tokens: Sequence[Token]) -> bool:
    if not tokens or text.rstrip()[-1:] in '.!?。！？"':
        return False
    last = tokens[-1]
    return last.lower in DANGLING or (last.is_mark and last.text in ',(;—–/')


def _leads_on(token: Token) -> bool:
    """Whether something must follow: "of a", "is used"."""
    return token.is_mark or token.is_verb or not (token.stem or token.value is not None)


def _clause_bounds(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    start, has_verb, insertion = 0, False, _insertion(tokens)
    for index, token in enumerate(tokens):
        if index in insertion or (index > start and has_verb and _opens_clause(tokens, index)):
            yield start, index
            start, has_verb = index, False
        has_verb = has_verb or token.is_verb
    yield start, len(tokens)


def _insertion(tokens: Sequence[Token]) -> tuple[int, ...]:
    """Where "whose capital is Oslo" stands in "Norway, whose capital is Oslo, is a country"."""
    commas = [i for i, token in enumerate(tokens[:-1]) if token.text == ',']
    if len(commas) < 2 or commas[0] == 0 or any(t.is_verb for t in tokens[: commas[0]]):
        return ()
    for comma in commas[1:]:
        if tokens[comma + 1].is_auxiliary or (
            tokens[comma + 1].is_verb and not tokens[comma + 1].is_capital
        ):
            return commas[0], comma
    return ()


def _opens_clause(tokens: Sequence[Token], index: int) -> bool:
    token = tokens[index]
    if token.is_mark:
        return token.text in ';；—–'
    if token.lower in _SUBORDINATE:
        return True
    following = tokens[index + 1 : index + 7]
    if token.lower == 'that':
        return bool(following) and following[0].is_verb
    if token.lower not in _COORDINATE:
        return False
    for offset, after in enumerate(following):
        if after.is_mark or after.lower in _COORDINATE:
            return False
        if after.is_auxiliary or (after.is_verb and offset < 3 and not after.is_capital):
            before = following[offset - 1] if offset else token
            return after.is_auxiliary or before.lower not in DETERMINERS
    return False


def _names(
    text: str,
    tokens: Sequence[Token],
    starts: Sequence[int],
    ends: Sequence[int],
    known_names: Stems,
) -> list[tuple[int, int]]:
    """The runs of capitalized words as ``[first, last]`` positions."""
    runs: list[tuple[int, int]] = []
    for index, token in enumerate(tokens):
        if not (token.is_capital or _is_symbol(tokens, index)):
            continue
        joined = (
            runs
            and runs[-1][1] == index - 1
            and _NAME_GAP.fullmatch(text, ends[index - 1], starts[index])
        )
        if joined:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return [run for run in runs if _is_name(tokens, run, known_names)]


def _is_symbol(tokens: Sequence[Token], index: int) -> bool:
    """``He`` in "the symbol He": grammar by its letters, but written like a name."""
    text = tokens[index].text
    return (
        len(text) == 2
        and index > 0
        and text[0].isupper()
        and text[1].islower()
        and not tokens[index].stem
        and tokens[index - 1].text not in ',;:'
    )


def _is_name(tokens: Sequence[Token], run: tuple[int, int], known_names: Stems) -> bool:
    first, last = run
    opens = first == 0 or tokens[first - 1].text in (':', '：')
    return not (opens and first == last) or tokens[first].lower in known_names


def _read_clause(
    tokens: Sequence[Token],
    start: int,
    end: int,
    names: Sequence[tuple[int, int]],
    topic: Stems,
    previous: Clause | None,
) -> Clause:
    while start < end and (tokens[start].is_mark or tokens[start].lower in _COORDINATE):
        start += 1
    in_name = {i for first, last in names if start <= first < end for i in range(first, last + 1)}
    verb = _verb(tokens, start, end)
    head = _head(tokens, start, verb if verb is not None else end)
    topic_at = {i for i in range(start, end) if tokens[i].stem and tokens[i].stem in topic}
    subject, owned, definite, relation = _subject(
        tokens, head, in_name, topic_at, names, previous, verb is not None
    )
    informs = [
        token.informs and i not in in_name and i not in topic_at
        for i, token in enumerate(tokens[start:end], start)
    ]
    predicate = _predicate(tokens, verb, end, informs, start)
    owner = _predicate_owner(tokens, verb, end, informs, start, names)
    if owner is not None and subject is TOPIC:
        subject, owned, definite = frozenset([tokens[owner].stem]), True, True
        if owner in topic_at:
            subject = TOPIC
    heading = relation
    relation = relation | predicate
    values = list(_values(tokens, start, end, names, topic, informs))
    words = frozenset(
        tokens[i].stem or tokens[i].lower
        for i in range(start, end)
        if informs[i - start] and not tokens[i].pairs
    )
    pairs = frozenset(p for i in range(start, end) for p in tokens[i].pairs)
    negated, denied = _negated(tokens, start, end)
    words |= pairs
    pronoun = any(tokens[i].lower in PRONOUNS for i in range(*head))
    has_value = bool(values)
    return Clause(
        subject=subject,
        mentions_topic=bool(topic_at) or pronoun or subject is TOPIC,
        is_owned=owned,
        is_definite=definite,
        relation=relation,
        predicate=predicate,
        head=heading,
        words=words,
        names=tuple(v for v in values if isinstance(v, Name)),
        numbers=tuple(v for v in values if isinstance(v, Number)),
        negated=negated,
        is_denied=denied,
        has_verb=verb is not None,
        is_active=_is_active(tokens, verb, end),
        states=has_value or bool(words - relation) or len(relation) > 1,
    )


def _verb(tokens: Sequence[Token], start: int, end: int) -> int | None:
    for index in range(start, end):
        token = tokens[index]
        if token.is_auxiliary:
            return index
        if token.is_verb and not token.is_capital and not _is_noun(tokens, index, start, end):
            return index
    for index in range(start + 1, end):
        before = tokens[index - 1]
        if tokens[index].lower in BARE_VERBS and (
            before.is_capital or before.lower.endswith('s') or before.lower == 'they'
        ):
            return index
    return None


def _is_noun(tokens: Sequence[Token], index: int, start: int, end: int) -> bool:
    """Whether a word that looks like a verb stands where a noun does: "its uses", "uses are"."""
    if index > start:
        before = tokens[index - 1]
        if before.lower in DETERMINERS or before.is_possessive or before.lower == 'of':
            return not tokens[index].lower.endswith('ed')
    after = tokens[index + 1] if index + 1 < end else None
    return (
        after is not None
        and tokens[index].lower.endswith('s')
        and (after.is_auxiliary or after.lower in _INCLUDE)
    )


def _head(tokens: Sequence[Token], start: int, verb: int) -> tuple[int, int]:
    """Where the subject stands: up to a comma, or after the last one behind "In 1807,"."""
    marks = [i for i in range(start, verb) if tokens[i].is_mark]
    if not marks:
        return start, verb
    first = tokens[start]
    opens = first.lower in FUNCTION_WORDS and first.lower not in DETERMINERS | PRONOUNS
    if opens or not tokens[start].stem and tokens[start].lower not in DETERMINERS | PRONOUNS:
        return marks[-1] + 1, verb
    return start, marks[0]


def _subject(
    tokens: Sequence[Token],
    head: tuple[int, int],
    in_name: set[int],
    topic_at: set[int],
    names: Sequence[tuple[int, int]],
    previous: Clause | None,
    has_verb: bool,
) -> tuple[Stems | None, bool, bool, Stems]:
    """Give subject, whether it owns what is told, whether it is definite, and relation words."""
    start, end = head
    span = range(start, end)
    if not has_verb:
        return TOPIC, False, True, EMPTY
    named = [
        (f, l) for f, l in names if start <= f < end and not topic_at.issuperset(range(f, l + 1))
    ]
    relation = frozenset(
        tokens[i].stem for i in span if tokens[i].informs and i not in in_name and i not in topic_at
    )
    stated = [i for i in span if tokens[i].stem and not tokens[i].is_mark]
    if not stated:
        lowered = {tokens[i].lower for i in span}
        if previous is not None and not lowered & PRONOUNS:
            return previous.subject, previous.is_owned, True, EMPTY
        return TOPIC, 'its' in lowered or 'their' in lowered, True, EMPTY
    owner = _owner(tokens, span)
    owned = owner is not None
    if owner is not None and owner not in topic_at:
        own = [n for n in named if n[0] <= owner <= n[1]]
        if own:
            return frozenset([tokens[own[0][1]].stem]), True, True, relation
    if any(i in topic_at for i in span):
        joined = named and any(tokens[i].lower == 'and' for i in span) and not owned
        if joined:
            return frozenset(tokens[l].stem for _, l in named), True, True, relation
        return TOPIC, owned, True, relation
    if tokens[start].lower in ('its', 'their', 'his', 'her', 'whose'):
        return TOPIC, True, True, relation
    if named:
        return frozenset(tokens[l].stem for _, l in named), False, True, relation
    definite = tokens[start].lower in DETERMINERS
    if not relation or definite:
        return TOPIC, False, True, relation
    return relation, False, False, relation


def _owner(tokens: Sequence[Token], span: range) -> int | None:
    """The position of Norway in "the capital of Norway" and "Norway's capital"."""
    for i in span:
        if tokens[i].is_possessive:
            return i
        if tokens[i].lower == 'of' and any(tokens[j].stem for j in range(span.start, i)):
            return next((j for j in range(i + 1, span.stop) if tokens[j].is_capital), None)
    return None


def _predicate(
    tokens: Sequence[Token], verb: int | None, end: int, informs: Sequence[bool], start: int
) -> Stems:
    """The verb that tells: "used" of "is often used in", nothing of "is a metal used in"."""
    if verb is None:
        first = next((i for i in range(start, end) if tokens[i].stem), None)
        if first is not None and tokens[first].is_verb and informs[first - start]:
            return frozenset([tokens[first].stem])
        return EMPTY
    for i in range(verb, end):
        token = tokens[i]
        if token.lower in DETERMINERS:
            return EMPTY
        if informs[i - start]:
            is_verb = token.is_verb or (i > verb and token.lower.endswith('ed'))
            return frozenset([token.stem]) if is_verb else EMPTY
    return EMPTY


def _predicate_owner(
    tokens: Sequence[Token],
    verb: int | None,
    end: int,
    informs: Sequence[bool],
    start: int,
    names: Sequence[tuple[int, int]],
) -> int | None:
    """The position of Norway in "Oslo is the capital of Norway"."""
    if verb is None or tokens[verb].lower not in BE:
        return None
    for i in range(verb + 1, min(end, verb + 7)):
        if tokens[i].is_mark or tokens[i].is_verb:
            return None
        if tokens[i].lower == 'of' and informs[i - 1 - start]:
            if tokens[i - 1].stem in _SYMMETRIC:
                return None
            name = next((last for first, last in names if i < first <= i + 2), None)
            return name
    return None


def _is_active(tokens: Sequence[Token], verb: int | None, end: int) -> bool:
    return verb is not None and tokens[verb].lower not in COPULAS


def _values(
    tokens: Sequence[Token],
    start: int,
    end: int,
    names: Sequence[tuple[int, int]],
    topic: Stems,
    informs: Sequence[bool],
) -> Iterator[Name | Number]:
    for first, last in names:
        if not start <= first < end:
            continue
        stems = tuple(tokens[i].stem or tokens[i].lower for i in range(first, last + 1))
        if topic and topic.issuperset(stems):
            continue
        texts = tuple(tokens[i].lower for i in range(first, last + 1))
        context, _, _ = _context(tokens, first, last, start, end, informs, stop_at_numbers=False)
        alias = (
            first - 2 >= start and tokens[first - 1].text == '(' and tokens[first - 2].stem in topic
        )
        if alias:
            context = EMPTY
        yield Name(stems, texts, context, _is_listed(tokens, first, last, start, end), alias)
    for i in range(start, end):
        token = tokens[i]
        if token.value is not None:
            yield _number(tokens, i, start, end, informs)


def _number(
    tokens: Sequence[Token], i: int, start: int, end: int, informs: Sequence[bool]
) -> Number:
    token = tokens[i]
    assert token.value is not None
    scale, unit, last = 1.0, '', i
    for j in range(i + 1, min(i + 4, end)):
        after = tokens[j]
        if after.lower in SCALES:
            scale, last = SCALES[after.lower], j
        elif after.unit:
            unit, last = after.unit, j
            if tokens[j - 1].lower in ('square', 'sq', 'cubic'):
                unit = f'square {unit}' if tokens[j - 1].lower != 'cubic' else f'cubic {unit}'
            break
        elif after.lower in ('°', 'degrees', 'degree', 'square', 'sq', 'cubic'):
            continue
        else:
            break
    step = 10.0**-token.decimals * scale
    value = token.value * scale
    if step == 1 and value >= 10_000 and not token.is_year:
        while value % (step * 10) == 0:
            step *= 10
    context, beside, nearest = _context(tokens, i, last, start, end, informs, stop_at_numbers=True)
    return Number(
        value, step, token.is_year and not unit and scale == 1, unit, context, beside, nearest
    )


def _context(
    tokens: Sequence[Token],
    first: int,
    last: int,
    start: int,
    end: int,
    informs: Sequence[bool],
    stop_at_numbers: bool,
) -> tuple[Stems, Stems, str]:
    """The words that say what a value is: those before it, or else those after it."""
    before: list[str] = []
    reach = _CONTEXT_REACH
    for i in range(first - 1, start - 1, -1):
        token = tokens[i]
        reach -= not (token.is_mark or token.is_capital or token.lower in _COORDINATE)
        if reach < 0:
            break
        if stop_at_numbers and token.value is not None:
            break
        if informs[i - start]:
            before.append(token.stem)
            if len(before) == _CONTEXT_SIZE:
                break
    after: list[str] = []
    told = not stop_at_numbers and any(tokens[i].is_verb for i in range(start, first))
    for i in range(last + 1, min(end, last + 7)):
        token = tokens[i]
        if (
            told
            and token.lower not in DETERMINERS
            and token.lower != 'as'
            and not informs[i - start]
        ):
            break
        if token.is_mark or (stop_at_numbers and token.value is not None):
            break
        if informs[i - start]:
            after.append(token.stem)
            break
    if before:
        return frozenset(before), frozenset(before[:1] + after[:1]), before[0]
    return frozenset(after), frozenset(after), after[0] if after else ''


def _is_listed(tokens: Sequence[Token], first: int, last: int, start: int, end: int) -> bool:
    """Whether a name is joined by "and" or a comma to a name beside it."""
    joint = ('and', ',', 'or')
    before = (
        first - 2 >= start and tokens[first - 1].lower in joint and tokens[first - 2].is_capital
    )
    after = last + 2 < end and tokens[last + 1].lower in joint and tokens[last + 2].is_capital
    return before or after


def _negated(tokens: Sequence[Token], start: int, end: int) -> tuple[Stems, bool]:
    negated: set[str] = set()
    denied = False
    for i in range(start, end):
        token = tokens[i]
        if token.is_negation and not (i + 1 < end and tokens[i + 1].lower == 'only'):
            denied = True
            reach = tokens[i + 1 : min(end, i + 1 + _NEGATION_REACH)]
            negated.update(t.stem for t in reach if t.stem)
        negated |= token.negated_pairs
    return frozenset(negated), denied
