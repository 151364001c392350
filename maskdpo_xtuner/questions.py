"""Where questions come from, as a config names it.

A source of your own: a subclass of `QuestionSettings` in your file, registered in
`maskdpo_xtuner.registry.QUESTIONS`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny, field_validator

from maskdpo_xtuner.builtin.named import find_table
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.jsonl import RecordError, read_objects, read_questions
from maskdpo_xtuner.knowledge import Knowledge
from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.records import Language, Question
from maskdpo_xtuner.registry import QUESTIONS, Registry

__all__ = ['JsonlQuestions', 'NamedPages', 'QuestionSettings', 'QuestionsChoice', 'TableSplit']


class QuestionSettings(Choice):
    """A source of questions; subclasses add what it needs."""

    registry: ClassVar[Registry[Any]] = QUESTIONS

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


@QUESTIONS.register_module('names')
class NamedPages(QuestionSettings):
    """One question about each name of a list, with its page as the document.

    Of FActScore's biographies there are two such lists, ``data/unlabeled/prompt_entities.txt`` of
    its release with 500 names and ``data/labeled/prompt_entities.txt`` with 183; each name is the
    title of a page of its ``enwiki-20230401.db``. It is the topic of its question.

    Attributes:
        path: a text file with a name a line, or JSON lines with ``topic``, as the answers of the
            release are; a name that stands twice is asked about once.
        knowledge: the file of pages, see `maskdpo_xtuner.knowledge`.
        prompt: the question, with ``{name}``. The release has ``Question: Tell me a bio of
            <entity>.``
        missing: what to do about names without a page, which no judge can check: ``refuse`` them,
            or ``leave_out`` their questions with a warning.
        language: of the questions.
        limit: the first so many names; None for all.
    """

    path: Path
    knowledge: Path
    prompt: str = 'Tell me a bio of {name}.'
    missing: Literal['refuse', 'leave_out'] = 'refuse'
    language: Language = 'en'
    limit: int | None = Field(default=None, ge=1)

    @field_validator('prompt')
    @classmethod
    def _check_prompt(cls, prompt: str) -> str:
        if '{name}' not in prompt:
            raise ValueError('the prompt must have {name}, where the name is put')
        return prompt

    def load(self) -> list[Question]:
        """Give a question a name, in the order of the file.

        Raises:
            ValueError: naming the file, or the names without a page.
        """
        names = list(dict.fromkeys(self._names()))[: self.limit]
        if not names:
            raise RecordError(self.path, None, 'the file holds no names')
        knowledge = Knowledge(self.knowledge)
        pages = {name: page for name in names if (page := knowledge.page(name))}
        lacking = [name for name in names if name not in pages]
        if lacking:
            self._say_missing(lacking, len(names))
        return [
            Question(
                question_id=name,
                question=self.prompt.replace('{name}', name),
                document=page.text,
                language=self.language,
                topic=name,
            )
            for name, page in pages.items()
        ]

    def _names(self) -> Iterator[str]:
        if self.path.suffix == '.jsonl':
            for number, value in read_objects(self.path):
                name = value.get('topic')
                if not isinstance(name, str) or not name.strip():
                    raise RecordError(self.path, number, 'field "topic" is no name')
                yield name.strip()
            return
        if not self.path.is_file():
            raise RecordError(self.path, None, 'there is no such file; check questions.path')
        lines = self.path.read_text(encoding='utf-8').splitlines()
        yield from filter(None, map(str.strip, lines))

    def _say_missing(self, lacking: list[str], count: int) -> None:
        first = ', '.join(lacking[:3]) + (', ...' if len(lacking) > 3 else '')
        said = f'{self.knowledge} has no page of {len(lacking)} of {count} names ({first})'
        if self.missing == 'refuse' or len(lacking) == count:
            raise ValueError(
                f'{said}; a title must be exactly the name. questions.missing="leave_out" asks '
                'about the others alone'
            )
        warnings.warn(f'{said}; they are left out', stacklevel=3)


QuestionsChoice = Annotated[SerializeAsAny[QuestionSettings], choice_of(QuestionSettings)]
