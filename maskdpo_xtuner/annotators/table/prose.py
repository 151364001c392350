"""What a clause says in the words of a column of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding, cue_tokens, finding
from maskdpo_xtuner.annotators.table.reading import Clause, is_verb, tokens_of
from maskdpo_xtuner.annotators.words import stem
from maskdpo_xtuner.builtin.checks import Check
from maskdpo_xtuner.splitters import split_sentences


def read_words(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Read prose: which words of the clause the column holds."""
    if clause.about_other or not clause.about_topic:
        return
    check: Check = column.check
    cues = column.cues(clause)
    if check.cues and not cues:
        return
    stated = values.content_stems(clause.tokens, column.plain)
    mentioned = {i for m in clause.mentions for i in range(m.start, m.end)}
    stated = {i: s for i, s in stated.items() if i not in mentioned | cue_tokens(cues)}
    for text in _texts(value, whole=bool(cues)):
        known = values.stems_of(text, column.plain)
        held = {i for i, s in stated.items() if s in known}
        if held and (cues or (len(held) == len(stated) and _is_specific(clause, held))):
            denied = clause.is_denied(clause.end)
            denies = any(t.word in v.NEGATIONS for t in tokens_of(text)) and not cues
            used = frozenset(held) | cue_tokens(cues)
            yield Finding(check.column, denied == denies, used, is_prose=True)
            return


def _is_specific(clause: Clause, held: set[int]) -> bool:
    """Tell whether words are no chance find: two of them, or a superlative ("the lightest")."""
    return len(held) > 1 or any(clause.word(index).endswith('est') for index in held)


@lru_cache(4096)
def _texts(value: str, whole: bool) -> tuple[str, ...]:
    if whole:
        return (value,)
    return tuple(value[start:end] for start, end in split_sentences(value, 'en'))


def read_origin(column: Column, value: str, clause: Clause) -> Iterator[Finding]:
    """Languages, quoted words, namesakes and prose of a clause about the name."""
    cues = column.cues(clause)
    if not cues or not (clause.about_topic or _is_subject(clause, cues[0][0])):
        return
    known = [t.word for t in tokens_of(value) if not t.is_mark]
    used = cue_tokens(cues)
    for index in range(clause.start, clause.end):
        token = clause.sentence[index]
        if _is_language(clause, index) and set(known) & v.LANGUAGES:
            yield finding(column, clause, token.word in known, index, index + 1, used)
        elif _is_foreign(clause, index):
            right = any(values.similar(token.word, word) for word in known)
            yield finding(column, clause, right, index, index + 1, used)
    yield from _namesakes(column, clause, known, used)
    yield from _glosses(column, clause, known, used)


def _is_subject(clause: Clause, index: int) -> bool:
    """Tell whether a cue stands before the clause's verb: the name comes from."""
    verbs = (token.index for token in clause.tokens if is_verb(token))
    return not clause.about_other and index < next(verbs, index)


def _is_language(clause: Clause, index: int) -> bool:
    """Tell whether a word comes from this language: the Latin word, from Greek, in Arabic."""
    token = clause.sentence[index]
    if token.word not in v.LANGUAGES or not token.is_capital:
        return False
    following = clause.word(index + 1)
    of_word = following in ('word', 'words', 'term', 'name', 'root', 'roots', 'for', ':', '"', '“')
    before = [t.word for t in clause.sentence[max(0, index - 2) : index]]
    ends = index + 1 >= clause.end or clause.sentence[index + 1].is_mark
    return of_word or (ends and bool({'from', 'in'} & set(before)))


def _is_foreign(clause: Clause, index: int) -> bool:
    """A single word in quotation marks after "word" or a language."""
    token = clause.sentence[index]
    if not token.word.isalpha() or index < clause.start + 2:
        return False
    if any(m.start <= index < m.end for m in clause.mentions):
        return False
    quoted = clause.sentence[index - 1].text in '"“\'‘' and clause.word(index + 1) in '"”\'’,.'
    before = clause.sentence[index - 2].word
    return quoted and (before in v.LANGUAGES or before in ('word', 'words', 'term', 'name', 'root'))


def _namesakes(
    column: Column, clause: Clause, known: Sequence[str], used: frozenset[int]
) -> Iterator[Finding]:
    """Proper names after "named after" or "in honor of"."""
    text = [t.word for t in clause.sentence]
    marks = [i for i in range(clause.start, clause.end) if text[i] in ('after', 'honor', 'honour')]
    for start, end in values.capital_runs(clause.sentence, clause.start, clause.end):
        if not marks or start < marks[0]:
            continue
        words = [t.word for t in clause.sentence[start:end] if not t.is_mark]
        topic = any(m.start < end and start < m.end for m in clause.mentions if m.own)
        if topic or any(w in v.LANGUAGES | v.NATIONALITIES for w in words):
            continue
        right = any(values.similar(words[-1], word) for word in known)
        yield finding(column, clause, right, start, end, used)


def _glosses(
    column: Column, clause: Clause, known: Sequence[str], used: frozenset[int]
) -> Iterator[Finding]:
    """Other words of the clause that the column holds."""
    stems = {stem(word) for word in known if word not in v.FUNCTION_WORDS | v.LANGUAGES}
    stated = values.content_stems(clause.tokens, column.plain)
    mentioned = {i for m in clause.mentions for i in range(m.start, m.end)}
    held = {i for i, s in stated.items() if s in stems} - mentioned - used
    if held:
        right = not clause.is_denied(max(held))
        yield Finding(column.check.column, right, frozenset(held) | used, is_prose=True)
