"""The paper's rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from maskdpo_xtuner.pairing.by_rank import by_rank
from maskdpo_xtuner.pairing.ranking import Candidate
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.registry import PAIRINGS


@PAIRINGS.register_module('best_worst')
@by_rank
def best_worst(candidates: Iterator[Candidate], rules: PairRules) -> Iterable[Candidate]:
    """The answer of the highest against that of the lowest score (paper, section 2.2)."""
    return islice(candidates, 1)
