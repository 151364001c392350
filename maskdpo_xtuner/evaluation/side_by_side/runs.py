"""The results that are to stand side by side, read from where evaluations have written them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.evaluation.answering import annotated_file
from maskdpo_xtuner.evaluation.comparable import Origin, origin_of
from maskdpo_xtuner.evaluation.results import (
    QUESTIONS_FILE,
    Evaluation,
    JudgeResult,
    Training,
    evaluation_files,
    read_evaluation,
)
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.work_dir import describe_questions
from maskdpo_xtuner.records import AnnotatedResponse, Question


@dataclass(frozen=True)
class Found:
    """What one run found on one set by one judge.

    Attributes:
        run: how the run is called here.
        folder: where its ``evaluation.json`` lies.
        evaluation: the whole of it.
        result: the part of the judge.
    """

    run: str
    folder: Path
    evaluation: Evaluation
    result: JudgeResult

    @property
    def origin(self) -> Origin:
        """What made the numbers."""
        return origin_of(self.evaluation, self.result)

    @property
    def title(self) -> str:
        """Set and judge."""
        name = self.evaluation.name
        return f'{name}, judged by {self.result.judge.name}' if name else self.result.judge.name

    def questions(self) -> dict[str, Question]:
        """Give the questions of the set by id.

        Raises:
            ValueError: when they are not there, or are not those that the result is of.
        """
        file = self.folder / QUESTIONS_FILE
        if not file.is_file():
            raise ValueError(f'{file} is not there; evaluate again: nothing is asked twice')
        questions = list(read_records(file, Question))
        if describe_questions(questions)['questions.sha256'] != self.evaluation.questions_sha256:
            raise ValueError(f'{file} has other questions than those of the result beside it')
        return {question.question_id: question for question in questions}

    def responses(self, training: Training) -> list[AnnotatedResponse]:
        """Give what a training answered, as the judge labelled it.

        Raises:
            ValueError: when the file is not there.
        """
        file = self.folder / training.key / annotated_file(self.result.judge)
        if not file.is_file():
            raise ValueError(f'{file} is not there: a difference needs the counts by question')
        return list(read_records(file, AnnotatedResponse))


def read_runs(sources: Sequence[str]) -> list[Found]:
    """Read the results of all runs, sets and judges.

    Args:
        sources: ``[NAME=]PATH`` each; the path as `read_evaluations` takes it, the name by default
            that of the work dir.

    Raises:
        ValueError: as of `read_evaluations`, and for two runs of one name.
    """
    named = [_named(source) for source in sources]
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'two runs are called {name}; give them names: NAME=PATH')
    found = []
    for name, path in named:
        for file in evaluation_files(path):
            evaluation = read_evaluation(file)
            found += [Found(name, file.parent, evaluation, each) for each in evaluation.judges]
    return found


def _named(source: str) -> tuple[str, Path]:
    name, equals, path = source.partition('=')
    if equals and name and '/' not in name:
        return name, Path(path)
    return _name_of(Path(source)), Path(source)


def _name_of(path: Path) -> str:
    """Give the name of the work dir that a path is, or lies in."""
    folder = path.resolve()
    folder = folder.parent if folder.is_file() else folder
    for above in (folder, folder.parent):
        if above.name == 'evaluation':
            return above.parent.name
    return folder.name
