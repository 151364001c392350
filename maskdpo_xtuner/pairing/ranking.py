"""The answers to a question from best to worst, and the pairs that could be made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from maskdpo_xtuner.pairing.scores import count_hallucinated, count_supported, factuality_score
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import AnnotatedResponse, Response


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
        thoughts_cut: how many have none as the token limit came before the end of the thoughts.
    """

    scored: int
    best: Sequence[Scored]
    worst: Sequence[Scored]
    thoughts_cut: int = 0


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
        (item for item in scored if may_be_chosen(item.response, rules)),
        key=lambda item: (-item.score, -count_supported(item.response) * by_facts),
    )
    worst = sorted(
        (item for item in scored if may_be_rejected(item.response, rules)),
        key=lambda item: (item.score, -count_hallucinated(item.response) * by_facts),
    )
    return Ranking(len(scored), best, worst, sum(r.thought_cut for r in responses))


def _usable_score(response: AnnotatedResponse, rules: PairRules) -> float | None:
    return factuality_score(response, rules.no_facts) if is_usable(response, rules) else None


def is_usable(response: AnnotatedResponse, rules: PairRules) -> bool:
    """Tell whether few enough of the sentences that were to be judged miss their verdict."""
    judged = [s for s in response.sentences if not s.is_left_out]
    missing = sum(s.label is None and not s.is_not_needed for s in judged)
    return missing <= rules.max_without_verdict * len(judged)


def may_be_chosen(response: Response, rules: PairRules) -> bool:
    """Tell whether a response may be chosen, whatever its score."""
    is_whole = response.finish_reason == 'stop'
    return (is_whole or rules.truncated_chosen) and (
        response.with_document or not rules.chosen_with_document
    )


def may_be_rejected(response: Response, rules: PairRules) -> bool:
    """Tell whether a response may be rejected, whatever its score."""
    is_whole = response.finish_reason == 'stop'
    return (is_whole or rules.truncated_rejected) and not (
        response.with_document and rules.chosen_with_document
    )


def candidates(ranking: Ranking, rules: PairRules) -> Iterator[Candidate]:
    """All pairs of strictly different score within the length ratio, in order of preference.

    The largest margin stands first; of equal margins the better chosen answer, then the worse
    rejected one, in the order of the ranking. They are made as they are asked for.
    """
    for chosen, rejected in _by_margin(ranking):
        candidate = Candidate(ranking.best[chosen], ranking.worst[rejected])
        is_pair = candidate.chosen.response is not candidate.rejected.response
        if is_pair and _within_ratio(candidate, rules.max_length_ratio):
            yield candidate


def _by_margin(ranking: Ranking) -> Iterator[tuple[int, int]]:
    """Yield places in best and worst with a positive margin, the largest first.

    A row of pairs with one chosen answer begins with a smaller margin than the row before it, so
    that it waits until that one has begun.
    """
    best, worst = ranking.best, ranking.worst
    rows: list[tuple[float, int, int]] = []

    def add(chosen: int, rejected: int) -> None:
        if chosen < len(best) and rejected < len(worst):
            margin = best[chosen].score - worst[rejected].score
            if margin > 0:
                heappush(rows, (-margin, chosen, rejected))

    add(0, 0)
    while rows:
        _, chosen, rejected = heappop(rows)
        yield chosen, rejected
        add(chosen, rejected + 1)
        if rejected == 0:
            add(chosen + 1, 0)


def _within_ratio(candidate: Candidate, limit: float | None) -> bool:
    lengths = len(candidate.chosen.response.text), len(candidate.rejected.response.text)
    return limit is None or max(lengths) <= limit * min(lengths)
