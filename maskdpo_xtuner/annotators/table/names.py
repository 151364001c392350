"""Persons and other names that a clause states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding, cue_tokens, events, finding
from maskdpo_xtuner.annotators.table.reading import Clause, phrase_at
from maskdpo_xtuner.builtin.checks import COUNTRY_WORDS

_COUNTRIES = {*COUNTRY_WORDS, *(word for words in COUNTRY_WORDS.values() for word in words)}


def read_persons(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Persons named beside a cue."""
    cues = events(column, clause)
    if not cues:
        return
    known = values.persons(value)
    runs = list(values.capital_runs(clause.sentence, clause.start, clause.end))
    for position, (start, end) in enumerate(runs):
        name = clause.sentence[start:end]
        if not clause.is_of_topic(start):
            continue
        right = values.person_agrees(name, known)
        if right or _is_person(clause, start, end, cues):
            if not right and position + 1 < len(runs) and clause.word(end) == 'and':
                following = runs[position + 1]
                if following[0] == end + 1 and end - start == 1:
                    right = values.person_agrees(clause.sentence[slice(*following)], known)
            yield finding(column, clause, right, start, end, cue_tokens(cues))


def _is_person(clause: Clause, start: int, end: int, cues: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a run of capitalized words is no place, no organization and no topic."""
    words = [t.word for t in clause.sentence[start:end]]
    if any(w in v.ORGANIZATIONS | v.NATIONALITIES | v.LANGUAGES for w in words):
        return False
    if any(m.start < end and start < m.end for m in clause.mentions):
        return False
    if ' '.join(t.text for t in clause.sentence[start:end]) in _COUNTRIES:
        return False
    before = [t.word for t in clause.sentence[max(0, start - 2) : start] if t.word != 'the'][-1:]
    if before and before[0] in v.BEFORE_PLACES:
        return False
    introduced = bool(before) and (before[0] in v.TITLES | {'by', 'named', 'and', 'when', 'that'})
    acts = any(end <= cue[0] <= end + 2 for cue in cues) and start == 0
    if start == 0 and end - start == 1:
        return acts and not words[0].endswith('s') and not words[0].startswith(v.PLAIN)
    return introduced or end - start >= 2


def read_names(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Names out of a known list beside a cue."""
    cues = column.cues(clause)
    if not cues:
        return
    true = set(values.listed(value))
    true |= {other for name in true for other in column.check.known.get(name, ())}
    for start, end, names in [*_known_names(column, clause), *_unknown_names(column, clause)]:
        # The name of another topic is no subject here: what decides stands before the cue.
        is_topic = any(m.start == start and m.end == end for m in clause.mentions)
        place = min(cues)[0] if is_topic else start
        right = bool(names & true)
        if clause.is_of_topic(place) and (right or column.check.complete):
            yield finding(column, clause, right, start, end, cue_tokens(cues))


def _known_names(column: Column, clause: Clause) -> Iterator[tuple[int, int, set[str]]]:
    """The names of the column in a clause, each with all that it can stand for."""
    index = clause.start
    while index < clause.end:
        words = _longest_name(column, clause, index)
        end = index + len(words)
        if words and not _is_within_topic(clause, index, end):
            yield index, end, {name for phrase, name in column.names if phrase == words}
        index = max(end, index + 1)


def _longest_name(column: Column, clause: Clause, index: int) -> tuple[str, ...]:
    if not (column.check.any_case or clause.sentence[index].is_capital):
        return ()
    for phrase in column.names_from(clause.word(index)):
        if phrase_at(clause.sentence, index, phrase):
            return phrase
        plural = (*phrase[:-1], f'{phrase[-1]}s')
        if column.check.any_case and phrase_at(clause.sentence, index, plural):
            return phrase
    return ()


def _is_within_topic(clause: Clause, start: int, end: int) -> bool:
    """Tell whether a name is part of a topic's name, or is the topic itself."""
    around = [m for m in clause.mentions if m.start <= start and end <= m.end]
    return any(m.own or m.end - m.start > end - start for m in around)


def _unknown_names(column: Column, clause: Clause) -> Iterator[tuple[int, int, set[str]]]:
    """Names that no row has, of a closed column."""
    if not column.check.closed:
        return
    known = {i for start, end, _ in _known_names(column, clause) for i in range(start, end)}
    for start, end in values.capital_runs(clause.sentence, clause.start, clause.end):
        words = {t.word for t in clause.sentence[start:end] if len(t.word) > 1}
        meant = any(m.start < end and start < m.end for m in clause.mentions)
        first = start == 0 and end == 1 and clause.word(1) not in v.COPULAS
        located = clause.word(start - 1) in ('in', 'on', 'near', 'of') if start else False
        no_names = words & (v.DIRECTIONS | v.NATIONALITIES | v.LANGUAGES)
        if words and not (meant or first or located or no_names or known & set(range(start, end))):
            yield start, end, set()
