"""Two halves by chance (paper, Table 5, "Random")."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.registry import SUBSETS
from maskdpo_xtuner.subsets.asked import Asked, Unit, by_chance, in_order, units_of
from maskdpo_xtuner.subsets.settings import SubsetSettings
from maskdpo_xtuner.subsets.split import Split


@SUBSETS.register_module('random_halves')
class RandomHalves(SubsetSettings):
    """Two random halves, ``first`` and ``second``; of an odd number the first has one more.

    Attributes:
        part: ``first`` or ``second``.
        of: halves of the ``topics``, with all questions of each, or of the ``questions``.
        seed: of the draw; another one is another draw.
    """

    of: Unit = 'topics'
    seed: int = 0

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Give both halves."""
        units = units_of(asked, self.of)
        order = by_chance(units, self.seed)
        middle = (len(order) + 1) // 2
        halves = {'first': order[:middle], 'second': order[middle:]}
        return Split(
            {
                part: in_order(asked, {key for name in names for key in units[name]})
                for part, names in halves.items()
            }
        )
