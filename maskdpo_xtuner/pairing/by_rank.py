"""What rules of pairs have in common that pick among the answers ranked by score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from itertools import chain

from maskdpo_xtuner.pairing.drops import DropReason, reason_against
from maskdpo_xtuner.pairing.making import Rule, as_pair
from maskdpo_xtuner.pairing.ranking import Candidate, candidates, rank
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question

Pick = Callable[[Iterator[Candidate], PairRules], Iterable[Candidate]]
"""Takes the possible pairs in order of preference, and gives those to make, in their order."""


def by_rank(pick: Pick) -> Rule:
    """Make a rule of a function that picks among the possible pairs.

    The possible pairs are those of two different scores within the bounds of the settings, the
    largest margin first. Pairs are dropped as the paper does (section 2.2): where the chosen answer
    has no hallucination-free sentence, the rejected has no hallucinated one, or both sides are the
    same text; for the last one no other pair takes the place.
    """

    @wraps(pick)
    def rule(
        question: Question, responses: Sequence[AnnotatedResponse], rules: PairRules
    ) -> list[PreferencePair] | str:
        ranking = rank(responses, rules)
        reason = reason_against(ranking)
        if reason:
            return reason
        possible = candidates(ranking, rules)
        first = next(possible, None)
        if first is None:
            return DropReason.LENGTH_RATIO
        picked = list(pick(chain([first], possible), rules))
        if not picked:
            return DropReason.NOT_PICKED
        pairs = [
            as_pair(question, item.chosen.response, item.rejected.response, rules)
            for item in picked
            if item.chosen.response.text != item.rejected.response.text
        ]
        return pairs or DropReason.IDENTICAL

    return rule
