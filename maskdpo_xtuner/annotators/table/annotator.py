"""The verdict of a sentence by the row of its topic."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.annotators.table import values
from maskdpo_xtuner.annotators.table import vocabulary as v
from maskdpo_xtuner.annotators.table.columns import Column, Finding
from maskdpo_xtuner.annotators.table.reading import (
    Mention,
    Token,
    Topics,
    clauses_of,
    is_verb,
    tokens_of,
)
from maskdpo_xtuner.annotators.table.statements import statements
from maskdpo_xtuner.builtin.tables import TableQuestions
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Label, Question, Sentence

VERSION = '2'
_END = re.compile(r"""[.!?…]["'”’)\]*_\s]*$""")
_ADJECTIVE = 4  # letters that a name shares with its adjective
_COMPLETE = 6  # content words with which a sentence that is cut states something all the same


@dataclass(frozen=True)
class _Reading:
    """A sentence, read."""

    tokens: Sequence[Token]
    mentions: Sequence[Mention]
    findings: Sequence[Finding]
    has_verb: bool
    is_cut: bool


class TableAnnotator(SentenceAnnotator):
    """Labels by what a sentence states about the columns of its topic's row.

    No model, and independent of the document's wording. Contradictory: a statement that the row
    says otherwise. No Hallucination: at least one statement, all of them right, and next to
    nothing beside them. No Facts: nothing stated (talk, headings, fragments, the question once
    more). Unverifiable: the rest, also what is true but not in the table.

    Args:
        table: its definition, with rows and checks.

    Raises:
        ValueError: for a table without checks, with a check of a column that no row has, or in
            another language than English.
    """

    languages = ('en',)

    def __init__(self, table: TableQuestions) -> None:
        self._table = table
        self._rows = {row[table.topic].casefold(): row for row in table.load_rows()}
        self._columns = _columns(table, list(self._rows.values()))
        names = {topic: _names(table, row) for topic, row in self._rows.items()}
        self._topics = Topics(names, table.not_topics, table.nouns)
        self.identity: Mapping[str, str] = {
            'name': 'table', 'version': VERSION, 'table': table.name, 'content': self._digest(),
        }  # fmt: skip

    def _digest(self) -> str:
        table = self._table
        checks = [repr(check) for check in table.checks]
        read = [*(check.column for check in table.checks), *table.aliases]
        rows = [[topic, [row.get(name) for name in read]] for topic, row in self._rows.items()]
        content = json.dumps([rows, checks, table.nouns, table.plain, table.not_topics])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Return the verdict without asking anything.

        Raises:
            ValueError: for a question about a topic that is not in the table.
        """
        yield from ()
        start, end = span
        is_last = not text[end:].strip()
        label, points = self.label(question, text[start:end], is_last)
        return Sentence(start=start, end=end, label=label, points=points)

    def label(
        self, question: Question, sentence: str, is_last: bool = False
    ) -> tuple[Label, tuple[str, ...]]:
        """Give the label of one sentence and the columns that it rests on, as ``column: value``.

        The last sentence of an answer without an end is taken to be cut.
        """
        row = self._row(question)
        reading = self._read(question.topic.casefold(), row, sentence, is_last)
        label = self._verdict(question, sentence, reading)
        columns = dict.fromkeys(f.column for f in reading.findings if _decides(f, label))
        return label, tuple(f'{column}: {row[column]}' for column in columns)

    def _row(self, question: Question) -> Mapping[str, str]:
        row = self._rows.get(question.topic.casefold())
        if row is None:
            raise ValueError(
                f'{question.question_id}: the topic "{question.topic}" is not in the table '
                f'{self._table.name}; ask about its topics, or choose another annotator'
            )
        return row

    def _read(self, topic: str, row: Mapping[str, str], sentence: str, is_last: bool) -> _Reading:
        text = re.sub(r'[*`]+', '', sentence).strip()
        tokens = tokens_of(text)
        mentions = self._topics.mentions(tokens, topic)
        findings = statements(clauses_of(tokens, mentions), self._columns, row)
        is_cut = _is_cut(tokens, text, is_last)
        if is_cut:  # the last word may be half of one
            findings = [f for f in findings if len(tokens) - 1 not in f.used]
        has_verb = _has_verb(tokens, mentions)
        if not has_verb and not any(t.text in ':=' for t in tokens):
            findings = []
        return _Reading(tokens, mentions, findings, has_verb, is_cut)

    def _verdict(self, question: Question, sentence: str, reading: _Reading) -> Label:
        if v.TALK.fullmatch(sentence.strip()):
            return Label.NO_FACTS
        if any(not finding.right for finding in reading.findings):
            return Label.CONTRADICTORY
        left = self._left(question, reading)
        if reading.findings:
            prose_only = all(finding.is_prose for finding in reading.findings)
            enough = sum(left.values()) <= (0 if prose_only else 1)
            return Label.NO_HALLUCINATION if enough else Label.UNVERIFIABLE
        if not left or not reading.has_verb:
            return Label.NO_FACTS
        if reading.is_cut and len(left) < _COMPLETE:
            return Label.NO_FACTS
        return Label.UNVERIFIABLE

    def _left(self, question: Question, reading: _Reading) -> dict[int, int]:
        """Weigh by token what nothing was found for: names and numbers two, other words one."""
        used = {i for finding in reading.findings for i in finding.used}
        used |= {i for m in reading.mentions if m.own for i in range(m.start, m.end)}
        asked = values.stems_of(question.question, ())
        stated = values.content_stems(reading.tokens, self._table.plain)
        own = question.topic.casefold()[:_ADJECTIVE]  # Norwegian, of Norway
        left = {
            i: s
            for i, s in stated.items()
            if i not in used and s not in asked and not reading.tokens[i].word.startswith(own)
        }
        others = {i for m in reading.mentions if not m.own for i in range(m.start, m.end)}
        return {i: 2 if i in others else _weight(reading.tokens[i]) for i in left}


def _has_verb(tokens: Sequence[Token], mentions: Sequence[Mention]) -> bool:
    """Tell whether a verb is there: a known one, or one in s after a topic ("it flows")."""
    after = [tokens[m.end] for m in mentions if m.end < len(tokens)]
    return any(map(is_verb, tokens)) or any(token.word.endswith('s') for token in after)


def _weight(token: Token) -> int:
    is_number = token.value is not None or token.word in v.ORDINALS | v.CARDINALS
    is_name = token.is_capital and token.index > 0 and token.word not in v.DIRECTIONS
    return 2 if is_number or is_name else 1


def _is_cut(tokens: Sequence[Token], text: str, is_last: bool) -> bool:
    if not tokens or _END.search(text):
        return False
    return is_last or tokens[-1].word in v.FUNCTION_WORDS


def _decides(finding: Finding, label: Label) -> bool:
    if label is Label.CONTRADICTORY:
        return not finding.right
    return label is Label.NO_HALLUCINATION


def _columns(table: TableQuestions, rows: Sequence[Mapping[str, str]]) -> tuple[Column, ...]:
    if table.language != 'en':
        raise ValueError(f'table {table.name}: sentences are read in English (en) only')
    if not table.checks:
        raise ValueError(f'table {table.name} has no checks; give one for each column to judge by')
    columns = []
    for check in table.checks:
        found = tuple(sorted({row[check.column] for row in rows if check.column in row}))
        if not found:
            raise ValueError(f'table {table.name}: no row has {check.column}, which a check names')
        columns.append(Column(check, found, table.plain))
    return tuple(columns)


def _names(table: TableQuestions, row: Mapping[str, str]) -> list[str]:
    others = [row[column].split(';') for column in table.aliases if column in row]
    return [row[table.topic], *(name.strip() for names in others for name in names)]
