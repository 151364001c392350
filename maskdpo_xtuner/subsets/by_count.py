"""Some topics with all questions, or all topics with some questions (paper, Table 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.registry import SUBSETS
from maskdpo_xtuner.subsets.asked import Asked, by_chance, in_order, units_of
from maskdpo_xtuner.subsets.settings import SubsetSettings
from maskdpo_xtuner.subsets.split import Split


@SUBSETS.register_module('topics')
class TopicsSubset(SubsetSettings):
    """A share of the topics with all their questions (Table 4: 1/3, 2/3, 3/3).

    Parts are nested: the topics of ``1/3`` are among those of ``2/3``. A share that is no whole
    number is rounded, halves up.

    Attributes:
        part: such as ``2/3``.
        steps: without a part, how many there are.
        seed: of the order in which topics are taken.
    """

    steps: int = Field(default=3, ge=1, exclude=True)
    seed: int = 0

    @model_validator(mode='after')
    def _check_part(self) -> Self:
        found = re.fullmatch(r'(\d+)/(\d+)', self.part or '1/1')
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f'part {self.part!r} is no share such as "1/3", "2/3" or "3/3"')
        return self

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Give the parts ``1/steps`` to ``steps/steps``."""
        topics = units_of(asked, 'topics')
        order = by_chance(topics, self.seed)
        steps = int(self.part.partition('/')[2]) if self.part else self.steps
        parts = {}
        for step in range(1, steps + 1):
            count = (2 * step * len(order) + steps) // (2 * steps)
            keys = {key for topic in order[:count] for key in topics[topic]}
            parts[f'{step}/{steps}'] = in_order(asked, keys)
        return Split(parts)


@SUBSETS.register_module('questions_per_topic')
class QuestionsSubset(SubsetSettings):
    """All topics with so many questions of each (Table 4: 1, 2, 3).

    Parts are nested: the question of ``1`` is one of those of ``2``. A topic with fewer questions
    has all of them.

    Attributes:
        part: how many questions.
        seed: of the order in which the questions of a topic are taken.
    """

    seed: int = 0

    @model_validator(mode='after')
    def _check_part(self) -> Self:
        if self.part is not None and not (self.part.isdecimal() and int(self.part)):
            raise ValueError(f'part {self.part!r} is no number of questions such as 1, 2 or 3')
        return self

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Give the parts ``1`` to as many as any topic has questions."""
        order = [by_chance(keys, self.seed) for keys in units_of(asked, 'topics').values()]
        most = max((len(keys) for keys in order), default=0)
        parts = {}
        for count in range(1, most + 1):
            parts[str(count)] = in_order(asked, {key for keys in order for key in keys[:count]})
        return Split(parts)
