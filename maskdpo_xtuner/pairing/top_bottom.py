"""Some of the best answers against as many of the worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from maskdpo_xtuner.pairing.by_rank import by_rank
from maskdpo_xtuner.pairing.ranking import Candidate
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.registry import PAIRINGS


@PAIRINGS.register_module('top_bottom')
@by_rank
def top_bottom(candidates: Iterator[Candidate], rules: PairRules) -> Iterable[Candidate]:
    """The ``top_bottom`` best against as many worst, rank for rank, no answer in two pairs.

    It is the pair of the largest margin, then that of the largest margin among the answers not yet
    used, and so on. Where a length ratio forbids rank i against rank i, the next best partner takes
    the place.
    """
    return islice(_disjoint(candidates), rules.top_bottom)


def _disjoint(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    used: set[int] = set()
    for candidate in candidates:
        sides = {candidate.chosen.response.sample_index, candidate.rejected.response.sample_index}
        if not used & sides:
            used |= sides
            yield candidate
