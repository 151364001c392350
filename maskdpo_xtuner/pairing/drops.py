"""Why a question gives no pair."""

from __future__ import annotations

from enum import Enum

from maskdpo_xtuner.pairing.ranking import Ranking
from maskdpo_xtuner.records import Record


class DropReason(str, Enum):
    """The values are stable: files and tests hold them."""

    THOUGHT_CUT = 'thought_cut_at_token_limit'
    TOO_FEW_SCORED = 'fewer_than_two_scored_responses'
    NO_CORRECT_SENTENCE = 'chosen_without_correct_sentence'
    NO_HALLUCINATION = 'rejected_without_hallucination'
    EQUAL_SCORES = 'equal_scores'
    LENGTH_RATIO = 'no_pair_within_length_ratio'
    NOT_PICKED = 'no_pair_by_the_rule'
    IDENTICAL = 'identical_responses'


class DroppedQuestion(Record):
    """A question that gives no pair; ``scores`` are those of its answers, None without one.

    ``reason`` is a `DropReason`, or what a rule of the user's says.
    """

    question_id: str
    question: str
    reason: str
    scores: tuple[float | None, ...]


def reason_against(ranking: Ranking) -> DropReason | None:
    """Say why no two of the answers differ as a pair has to; None when some do.

    The paper drops a pair whose chosen answer has no hallucination-free sentence or whose rejected
    answer has no hallucinated one. If that is so of the best and the worst, it is so of all.
    """
    if ranking.scored < 2 or not ranking.best or not ranking.worst:
        would_do = ranking.scored < 2 <= ranking.scored + ranking.thoughts_cut
        return DropReason.THOUGHT_CUT if would_do else DropReason.TOO_FEW_SCORED
    best, worst = ranking.best[0].score, ranking.worst[0].score
    if best == 0:
        return DropReason.NO_CORRECT_SENTENCE
    if worst == 1:
        return DropReason.NO_HALLUCINATION
    return DropReason.EQUAL_SCORES if best <= worst else None
