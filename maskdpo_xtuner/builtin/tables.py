"""Any table of facts as questions with reference documents: rows are topics, columns are facts.

A template is an ordinary format string over the columns (``'{name} melts at {melting_point} K.'``)
and is used for the rows that have all of them, so a table may have gaps.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

from maskdpo_xtuner.builtin.checks import Check
from maskdpo_xtuner.records import Language, Question

Row = Mapping[str, object]
Split = Literal['train', 'validation', 'test']


@dataclass(frozen=True)
class QuestionTemplate:
    """One question about every topic that has the columns its answer needs.

    Attributes:
        name: the last part of the question's id (``discovery``).
        text: the question, over the columns (``'Who discovered {name}?'``).
        needs: the columns that answer it, beside those that ``text`` itself names.
    """

    name: str
    text: str
    needs: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        return _columns(self.text) | set(self.needs)


@dataclass(frozen=True)
class TableQuestions:
    """How a table becomes questions.

    Attributes:
        name: names the table; the first part of every id (``elements``).
        topic: the column that names a row's topic.
        questions: what is asked about a topic.
        facts: sentences over the columns; those a row has the columns for are its document.
        rows: the rows, or a function that gives them when they are needed.
        checks: how the table's columns are found again in answers; see `checks`.
        aliases: other columns that hold names of the topic, with semicolons between.
        nouns: what a topic is, which names it after "the" ("element").
        plain: word beginnings that state nothing by themselves here ("element", "chemical").
        not_topics: patterns of words after a topic's name that make it another thing ("oxide").
        least_questions: a topic with fewer is refused.
        test_share: the expected share of topics in the test split.
        validation_share: the expected share in the validation split; the rest is for training.
    """

    name: str
    topic: str
    questions: Sequence[QuestionTemplate]
    facts: Sequence[str]
    rows: Sequence[Row] | Callable[[], Sequence[Row]] = field(default=(), repr=False)
    checks: Sequence[Check] = ()
    aliases: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    not_topics: tuple[str, ...] = ()
    language: Language = 'en'
    least_questions: int = 3
    test_share: float = 0.3
    validation_share: float = 0.15

    def load_rows(self) -> list[dict[str, str]]:
        """The rows as text, without their gaps."""
        rows = self.rows() if callable(self.rows) else self.rows
        return [_without_gaps(row) for row in rows]


def build_questions(table: TableQuestions, rows: Iterable[Row], split: Split) -> list[Question]:
    """Give the questions of one split, in the order of the rows and of the templates.

    Which split a topic is in depends on its name alone: rows can be added or reordered and no
    topic changes sides. Ids read ``<table>/<topic>/<template>``.

    Raises:
        ValueError: for a template that names a column no row has, for a topic that is missing or
            stands twice, and for one with too few questions or without a document.
    """
    present = [_without_gaps(row) for row in rows]
    _check_columns(table, present)
    _check_topics(table, present)
    return [
        question
        for row in present
        if split_of(table, row[table.topic]) == split
        for question in _questions_of(table, row)
    ]


def split_of(table: TableQuestions, topic: str) -> Split:
    """Find the split of a topic: its hash, read as a fraction, against the shares.

    The lowest fractions are tested on, the next ones validated on: another ``validation_share``
    moves no topic into the test split or out of it.
    """
    digest = hashlib.sha256(f'{table.name}/{_slug(topic)}'.encode()).digest()
    fraction = int.from_bytes(digest[:8], 'big') / 2**64
    if fraction < table.test_share:
        return 'test'
    return 'validation' if fraction < table.test_share + table.validation_share else 'train'


def _without_gaps(row: Row) -> dict[str, str]:
    """The row's columns that hold something (not None, NaN or blank), as text."""
    texts = {name: str(value).strip() for name, value in row.items() if not _is_gap(value)}
    return {name: text for name, text in texts.items() if text}


def _is_gap(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _columns(template: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(template) if field}


def _check_columns(table: TableQuestions, rows: Sequence[Mapping[str, str]]) -> None:
    known = {name for row in rows for name in row}
    named = [(f'the question "{q.name}"', q.columns) for q in table.questions]
    named += [(f'the fact "{fact}"', _columns(fact)) for fact in table.facts]
    for place, columns in named:
        if columns - known:
            raise ValueError(
                f'table {table.name}: {place} names {", ".join(sorted(columns - known))}, which no '
                f'row has; the columns are {", ".join(sorted(known))}'
            )


def _check_topics(table: TableQuestions, rows: Sequence[Mapping[str, str]]) -> None:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if table.topic not in row:
            raise ValueError(f'table {table.name}, row {number}: "{table.topic}" is empty; fill it')
        earlier = seen.setdefault(_slug(row[table.topic]), number)
        if earlier != number:
            raise ValueError(
                f'table {table.name}, row {number}: the topic "{row[table.topic]}" already stands '
                f'in row {earlier}; merge the rows or rename one'
            )


def _questions_of(table: TableQuestions, row: Mapping[str, str]) -> Iterator[Question]:
    topic = row[table.topic]
    asked = [question for question in table.questions if question.columns <= row.keys()]
    document = _document(table, row)
    if len(asked) < table.least_questions or not document:
        raise ValueError(
            f'table {table.name}: the topic "{topic}" has {len(asked)} questions and a document of '
            f'{len(document)} characters; give it at least {table.least_questions} questions and '
            'one fact, fill its columns, or leave the row out'
        )
    for question in asked:
        yield Question(
            question_id=f'{table.name}/{_slug(topic)}/{question.name}',
            question=question.text.format_map(row),
            document=document,
            language=table.language,
            topic=topic,
        )


def _document(table: TableQuestions, row: Mapping[str, str]) -> str:
    sentences = [fact.format_map(row) for fact in table.facts if _columns(fact) <= row.keys()]
    return (' ' if table.language == 'en' else '').join(sentences)


def _slug(topic: str) -> str:
    return re.sub(r'\W+', '-', topic.casefold()).strip('-')
