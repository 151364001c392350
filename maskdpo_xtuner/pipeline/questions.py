"""The questions of a run: all that its source gives, or the part that ``subset`` names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdpo_xtuner.pipeline.work_dir import describe_questions
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import Settings
from maskdpo_xtuner.subsets import Asked, SubsetSettings
from maskdpo_xtuner.subsets.asked import asked_of
from maskdpo_xtuner.subsets.choosing import Chosen, choose


@dataclass(frozen=True)
class Questions:
    """What is asked.

    Attributes:
        asked: the questions of the run.
        every: those of the source; the same without a subset.
        chosen: how they were chosen; None without a subset.
    """

    asked: Sequence[Question]
    every: Sequence[Question]
    chosen: Chosen | None = None

    def identity(self) -> dict[str, Any]:
        """Give what is asked, under dotted keys of ``settings.json``."""
        return {**describe_questions(self.asked), **self.identity_of_subset()}

    def identity_of_subset(self) -> dict[str, Any]:
        """Give what determined the choice; empty without a subset."""
        return self.chosen.identity() if self.chosen else {}

    def describe(self) -> str:
        """Say how they were chosen; empty without a subset."""
        return self.chosen.describe() if self.chosen else ''

    def write_choice(self, work_dir: Path) -> None:
        """Write ``subset.json``, where there is a subset."""
        if self.chosen:
            self.chosen.write(work_dir / 'subset.json')


def load_questions(settings: Settings) -> Questions:
    """Give the questions that the settings ask.

    Vectors that a subset needs are kept beside the store of completions, so that experiments that
    share it share them, too.

    Raises:
        ValueError: for questions that cannot be read, and a subset that cannot be made of them.
    """
    every = settings.questions.load()
    if settings.subset is None:
        return Questions(every, every)
    test = tested_questions(settings.subset, settings)
    chosen = choose(settings.subset, asked_of(every), test, settings.store_path.parent)
    keys = set(chosen.keys)
    return Questions([q for q in every if q.question_id in keys], every, chosen)


def tested_questions(subset: SubsetSettings, settings: Settings | None) -> list[Asked] | None:
    """Load what no topic may be in that is trained on; None where nothing is named.

    Args:
        subset: whose ``test`` comes first.
        settings: whose evaluation has it otherwise.

    Raises:
        ValueError: for what cannot be read.
    """
    if subset.test is not None:
        sources = [subset.test]
    elif settings is not None and settings.evaluation is not None:
        sources = [each.questions for each in settings.evaluation.all_sets()]
    else:
        return None
    try:
        return [each for source in sources for each in asked_of(source.load())]
    except ValueError as error:
        raise ValueError(
            f'the test set, which the topics of a subset are compared with: {error}; '
            'subset.test=dict(type=..., ...) names another than that of the evaluation'
        ) from error
