"""The rules by name: which of the possible pairs of a question are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from maskdpo_xtuner.pairing.all_pairs import all_pairs
from maskdpo_xtuner.pairing.best_worst import best_worst
from maskdpo_xtuner.pairing.ranking import Candidate
from maskdpo_xtuner.pairing.settings import PairSettings
from maskdpo_xtuner.pairing.top_bottom import top_bottom

Rule = Callable[[Iterator[Candidate], PairSettings], Iterable[Candidate]]
"""Takes the possible pairs in order of preference, and gives those to make, in their order."""

PAIRINGS: dict[str, Rule] = {
    'best_worst': best_worst,
    'all': all_pairs,
    'top_bottom': top_bottom,
}
