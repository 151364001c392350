"""The rule of FactTune (Tian et al. 2023, arXiv 2311.08401)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from maskdpo_xtuner.pairing.by_rank import by_rank
from maskdpo_xtuner.pairing.ranking import Candidate
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.registry import PAIRINGS


@PAIRINGS.register_module('all')
@by_rank
def all_pairs(candidates: Iterator[Candidate], rules: PairRules) -> Iterable[Candidate]:
    """Every pair of strictly different score; with ``max_pairs`` those of the largest margins."""
    return islice(candidates, rules.max_pairs)
