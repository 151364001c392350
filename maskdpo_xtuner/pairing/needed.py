"""Which responses are still to be judged before the pairs of a question are known.

The score of a response lies between two bounds that every verdict narrows: if all that was not
asked about is correct, and if all of it is hallucinated; what ends without a verdict narrows them
too. A search for the best first (Hart, Nilsson and Raphael 1968) takes the possible pairs in the
order of what they may still come to. As soon as all that a rule takes of them is judged whole, no
other verdict can change its pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.pairing.by_rank import by_rank
from maskdpo_xtuner.pairing.ranking import (
    Candidate,
    Ranking,
    Scored,
    candidates,
    is_usable,
    may_be_chosen,
    may_be_rejected,
)
from maskdpo_xtuner.pairing.scores import count_correct, count_hallucinated, count_supported
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import AnnotatedResponse
from maskdpo_xtuner.registry import PAIRINGS


@dataclass(frozen=True)
class Bounds:
    """What the verdicts on some sentences of a response say of the rest.

    Attributes:
        response: as far as it is judged; other sentences are `maskdpo_xtuner.records.NOT_NEEDED`.
        least: the lowest score that it can have; ``most`` the highest.
        supported: the most supported sentences that it can have; ``hallucinated`` likewise.
        is_whole: whether all was asked, so that the bounds are the score.
        is_usable: whether it may have a score at all; it has no bounds else.
    """

    response: AnnotatedResponse
    least: float
    most: float
    supported: int
    hallucinated: int
    is_whole: bool
    is_usable: bool


def bounds_of(
    response: AnnotatedResponse, rules: PairRules, *, of_sentences: bool = True
) -> Bounds:
    """Give what a response judged in part can come to.

    Args:
        response: sentences that were not asked about are `maskdpo_xtuner.records.NOT_NEEDED`.
        rules: that the pairs are made by.
        of_sentences: whether each of these is one sentence, and not a text to be split yet.
    """
    open_ = [sentence for sentence in response.sentences if sentence.is_not_needed]
    correct = count_correct(response, rules.no_facts)
    hallucinated = count_hallucinated(response)
    total = correct + hallucinated + len(open_)
    usable = total > 0 and is_usable(response, rules)
    more = len(open_) if of_sentences else sum(s.end - s.start for s in open_)
    return Bounds(
        response=response,
        least=correct / total if usable else 0.0,
        most=(correct + len(open_)) / total if usable else 0.0,
        supported=count_supported(response) + more,
        hallucinated=hallucinated + more,
        is_whole=not open_,
        is_usable=usable,
    )


def reads_all_scores(rules: PairRules) -> str | None:
    """Say why a rule needs every score; None for one that may be decided without some."""
    if not isinstance(PAIRINGS.get(rules.rule), by_rank):
        return f'the rule {rules.rule} is not made by by_rank and may read every label'
    if rules.rule == 'all' and rules.max_pairs is None:
        return "rule='all' without max_pairs pairs every score"
    return None


def still_needed(known: Sequence[Bounds], rules: PairRules) -> list[AnnotatedResponse]:
    """Name the responses to judge further, none when all is decided.

    They are the open sides of the most promising pair: as long as it is open, nothing behind it is
    decided. What is learnt of one side rarely makes the other needless. Pairs made in the end are
    those of responses that are all judged whole; where there is no pair, all are named, so that a
    dropped question has its reason and its scores.

    Args:
        known: the responses of a question, in any order.
        rules: of a rule for which `reads_all_scores` is None.
    """
    rest = [each.response for each in known if not each.is_whole]
    if not rest:
        return []
    open_ = {response.sample_index for response in rest}
    search = _Search(candidates(_hoped(known, rules), rules), open_)
    picked = list(PAIRINGS.get(rules.rule).pick(search, rules))
    if search.open_sides:
        return search.open_sides
    has_pair = any(c.chosen.response.text != c.rejected.response.text for c in picked)
    return [] if has_pair else rest


def _hoped(known: Sequence[Bounds], rules: PairRules) -> Ranking:
    """Rank responses by the best that they can come to for either side.

    What a pair is sorted by, margin and then the places of its sides, is never more than in the
    ranking of the final scores: the first pair of which both sides are whole is the first there.
    """
    by_facts = rules.ties == 'most_facts'
    known = [each for each in known if each.is_usable]
    best = sorted(
        (each for each in known if may_be_chosen(each.response, rules)),
        key=lambda each: (-each.most, -each.supported * by_facts, each.response.sample_index),
    )
    worst = sorted(
        (each for each in known if may_be_rejected(each.response, rules)),
        key=lambda each: (each.least, -each.hallucinated * by_facts, each.response.sample_index),
    )
    return Ranking(
        len(known),
        [Scored(each.most, each.response) for each in best],
        [Scored(each.least, each.response) for each in worst],
    )


class _Search:
    """Possible pairs in order, up to the first of which a side is open.

    Attributes:
        open_sides: of that pair; none as long as the search has not come to it.
    """

    def __init__(self, possible: Iterator[Candidate], open_: set[int]) -> None:
        self._possible, self._open = possible, open_
        self.open_sides: list[AnnotatedResponse] = []

    def __iter__(self) -> Iterator[Candidate]:
        return self

    def __next__(self) -> Candidate:
        if self.open_sides:
            raise StopIteration
        candidate = next(self._possible)
        sides = candidate.chosen.response, candidate.rejected.response
        self.open_sides = [side for side in sides if side.sample_index in self._open]
        if self.open_sides:
            raise StopIteration
        return candidate
