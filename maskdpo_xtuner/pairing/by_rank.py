"""What rules of pairs have in common that pick among the answers ranked by score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import update_wrapper
from itertools import chain

from maskdpo_xtuner.pairing.drops import DropReason, reason_against
from maskdpo_xtuner.pairing.making import as_pair
from maskdpo_xtuner.pairing.ranking import Candidate, candidates, rank
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question

Pick = Callable[[Iterator[Candidate], PairRules], Iterable[Candidate]]
"""Takes the possible pairs in order of preference, and gives those to make, in their order."""


class by_rank:  # noqa: N801  (a decorator)
    """Make a rule of a function that picks among the possible pairs.

    The possible pairs are those of two different scores within the bounds of the settings, the
    largest margin first. Pairs are dropped as the paper does (section 2.2): where the chosen answer
    has no hallucination-free sentence, the rejected has no hallucinated one, or both sides are the
    same text; for the last one no other pair takes the place.

    Attributes:
        pick: the function. What it does not take from its iterator need not be judged, see
            `maskdpo_xtuner.pairing.needed`.
    """

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        update_wrapper(self, pick)

    def __call__(
        self, question: Question, responses: Sequence[AnnotatedResponse], rules: PairRules
    ) -> list[PreferencePair] | str:
        """Make the pairs of a question, or say why there is none."""
        ranking = rank(responses, rules)
        reason = reason_against(ranking)
        if reason:
            return reason
        possible = candidates(ranking, rules)
        first = next(possible, None)
        if first is None:
            return DropReason.LENGTH_RATIO
        picked = list(self.pick(chain([first], possible), rules))
        if not picked:
            return DropReason.NOT_PICKED
        pairs = [
            as_pair(question, item.chosen.response, item.rejected.response, rules)
            for item in picked
            if item.chosen.response.text != item.rejected.response.text
        ]
        return pairs or DropReason.IDENTICAL
