"""Where questions come from, as a config names it.

A source of your own: a subclass of `QuestionSettings` in your file, registered in
`maskdpo_xtuner.registry.QUESTIONS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SerializeAsAny

from maskdpo_xtuner.builtin.named import find_table
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.jsonl import read_questions
from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.registry import QUESTIONS

__all__ = ['JsonlQuestions', 'QuestionSettings', 'QuestionsChoice', 'TableSplit']


class QuestionSettings(Choice):
    """A source of questions; subclasses add what it needs."""

    registry: ClassVar = QUESTIONS

    def load(self) -> list[Question]:
        """Give the questions, each with an id of its own, in an order that does not change.

        Raises:
            ValueError: for what cannot be read, naming file and line.
        """
        raise NotImplementedError(f'{type(self).__name__}.load')


@QUESTIONS.register_module('jsonl')
class JsonlQuestions(QuestionSettings):
    """A question file: ``question``, ``document``, ``language``, ``topic`` a line."""

    path: Path
    limit: int | None = Field(default=None, ge=1)

    def load(self) -> list[Question]:
        """Give the questions; errors name file and line."""
        return read_questions(self.path)[: self.limit]


@QUESTIONS.register_module('table')
class TableSplit(QuestionSettings):
    """The questions of a table of facts.

    Attributes:
        table: a built-in table (``elements``, ``countries``, ``minerals``) or your own, as
            ``module:NAME`` or ``path/to/file.py:NAME``; see `maskdpo_xtuner.builtin.tables`.
        split: which topics; settings are chosen on ``validation`` and reported on ``test``.
        topics: take only this many topics of the split, in the table's order (elements by
            atomic number, countries by population, minerals by name); None for all.
    """

    table: str
    split: Split
    topics: int | None = Field(default=None, ge=1)

    def load(self) -> list[Question]:
        """Give the questions of the split, topic by topic.

        Raises:
            ValueError: for a table that is not there or cannot be asked about.
        """
        table = find_table(self.table)
        questions = build_questions(table, table.load_rows(), self.split)
        topics = list(dict.fromkeys(question.topic for question in questions))[: self.topics]
        return [question for question in questions if question.topic in topics]


QuestionsChoice = Annotated[SerializeAsAny[QuestionSettings], choice_of(QuestionSettings)]
