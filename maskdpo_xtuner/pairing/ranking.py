"""The answers to a question from best to worst, and the pairs that could be made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge

from maskdpo_xtuner.pairing.scores import count_hallucinated, count_supported, factuality_score
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import AnnotatedResponse


@dataclass(frozen=True)
class Scored:
    """An answer with its score in [0, 1]."""

    score: float
    response: AnnotatedResponse


@dataclass(frozen=True)
class Candidate:
    """Two answers that may be paired."""

    chosen: Scored
    rejected: Scored

    @property
    def margin(self) -> float:
        """Difference of the scores."""
        return self.chosen.score - self.rejected.score


@dataclass(frozen=True)
class Ranking:
    """Answers in the order in which they are taken.

    Attributes:
        scored: how many answers have a score.
        best: those that may be chosen, the best first.
        worst: those that may be rejected, the worst first.
    """

    scored: int
    best: Sequence[Scored]
    worst: Sequence[Scored]


def rank(responses: Sequence[AnnotatedResponse], rules: PairRules) -> Ranking:
    """Score the answers and put those that may be chosen, and those that may be rejected, in order.

    Equal scores stand as ``ties`` says, in the end by ``sample_index``.
    """
    scored = [
        Scored(score, response)
        for response in sorted(responses, key=lambda response: response.sample_index)
        if (score := _usable_score(response, rules)) is not None
    ]
    by_facts = rules.ties == 'most_facts'
    # Sorting keeps the order of equals.
    best = sorted(
        (item for item in scored if _may_be_chosen(item.response, rules)),
        key=lambda item: (-item.score, -count_supported(item.response) * by_facts),
    )
    worst = sorted(
        (item for item in scored if _may_be_rejected(item.response, rules)),
        key=lambda item: (item.score, -count_hallucinated(item.response) * by_facts),
    )
    return Ranking(len(scored), best, worst)


def _usable_score(response: AnnotatedResponse, rules: PairRules) -> float | None:
    judged = [s for s in response.sentences if not s.is_left_out]
    missing = sum(s.label is None for s in judged)
    if missing > rules.max_without_verdict * len(judged):
        return None
    return factuality_score(response, rules.no_facts)


def _may_be_chosen(response: AnnotatedResponse, rules: PairRules) -> bool:
    is_whole = response.finish_reason == 'stop'
    return (is_whole or rules.truncated_chosen) and (
        response.with_document or not rules.chosen_with_document
    )


def _may_be_rejected(response: AnnotatedResponse, rules: PairRules) -> bool:
    is_whole = response.finish_reason == 'stop'
    return (is_whole or rules.truncated_rejected) and not (
        response.with_document and rules.chosen_with_document
    )


def candidates(ranking: Ranking, rules: PairRules) -> Iterator[Candidate]:
    """All pairs of strictly different score within the length ratio, in order of preference.

    The largest margin stands first; of equal margins the better chosen answer, then the worse
    rejected one, in the order of the ranking. They are made as they are asked for.
    """
    rows = (_row(place, chosen, ranking.worst) for place, chosen in enumerate(ranking.best))
    for _, candidate in merge(*rows, key=lambda item: item[0]):
        if _within_ratio(candidate, rules.max_length_ratio):
            yield candidate


def _row(
    place: int, chosen: Scored, worst: Sequence[Scored]
) -> Iterator[tuple[tuple[float, int, int], Candidate]]:
    """Pairs of one chosen answer with what they are sorted by."""
    for other, rejected in enumerate(worst):
        candidate = Candidate(chosen, rejected)
        if candidate.margin <= 0:
            return
        yield (-candidate.margin, place, other), candidate


def _within_ratio(candidate: Candidate, limit: float | None) -> bool:
    lengths = len(candidate.chosen.response.text), len(candidate.rejected.response.text)
    return limit is None or max(lengths) <= limit * min(lengths)
