"""From the annotated answers to a question to one preference pair, or the reason for none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from maskdpo_xtuner.records import (
    AnnotatedResponse,
    BinaryType,
    Message,
    PairItem,
    PreferencePair,
    Question,
    Record,
    Sentence,
)


class DropReason(str, Enum):
    """Why a question gives no pair. The values are stable: files and tests hold them."""

    TOO_FEW_SCORED = 'fewer_than_two_scored_responses'
    NO_CORRECT_SENTENCE = 'chosen_without_correct_sentence'
    NO_HALLUCINATION = 'rejected_without_hallucination'
    EQUAL_SCORES = 'equal_scores'
    IDENTICAL = 'identical_responses'


class DroppedQuestion(Record):
    """A question that gives no pair; ``scores`` are those of its answers, None without verdict."""

    question_id: str
    question: str
    reason: DropReason
    scores: tuple[float | None, ...]


@dataclass(frozen=True)
class PairRules:
    """Which answers may be compared.

    Attributes:
        truncated_chosen: whether an answer cut at the token limit may be the chosen one.
        truncated_rejected: whether it may be the rejected one.
        max_without_verdict: an answer with a larger share of sentences without a verdict is not
            used.
        chosen_with_document: whether only answers that were given with the document may be chosen,
            and only answers without it rejected (paper, Table 3, "Llama+Doc").
    """

    truncated_chosen: bool = True
    truncated_rejected: bool = True
    max_without_verdict: float = 0.5
    chosen_with_document: bool = False


def factuality_score(response: AnnotatedResponse) -> float | None:
    """Share of hallucination-free sentences among those with a verdict (paper, section 2.2).

    None when no sentence has a verdict: such an answer has no score, not a score of zero.
    """
    labels = [s.label for s in response.sentences if s.label is not None]
    if not labels:
        return None
    return sum(not label.is_hallucination for label in labels) / len(labels)


def make_pair(
    question: Question, responses: Sequence[AnnotatedResponse], rules: PairRules
) -> PreferencePair | DropReason:
    """Pair the answer of the highest score with that of the lowest (paper, section 2.2).

    Of several answers with the same score the one of the lowest ``sample_index`` is taken. Pairs
    are dropped as the paper does: where both sides are the same, the chosen has no
    hallucination-free sentence, or the rejected has no hallucinated one.
    """
    scored = sorted(
        ((score, r) for r in responses if (score := _usable_score(r, rules)) is not None),
        key=lambda item: item[1].sample_index,
    )
    best = [item for item in scored if _may_be_chosen(item[1], rules)]
    worst = [item for item in scored if _may_be_rejected(item[1], rules)]
    if len(scored) < 2 or not best or not worst:
        return DropReason.TOO_FEW_SCORED
    # max and min give the first of equals.
    chosen_score, chosen = max(best, key=lambda item: item[0])
    rejected_score, rejected = min(worst, key=lambda item: item[0])
    if chosen_score == 0:
        return DropReason.NO_CORRECT_SENTENCE
    if rejected_score == 1:
        return DropReason.NO_HALLUCINATION
    if chosen_score <= rejected_score:
        return DropReason.EQUAL_SCORES
    if chosen.text == rejected.text:
        return DropReason.IDENTICAL
    return _pair(question, chosen, rejected)


def _usable_score(response: AnnotatedResponse, rules: PairRules) -> float | None:
    missing = sum(s.label is None for s in response.sentences)
    if missing > rules.max_without_verdict * len(response.sentences):
        return None
    return factuality_score(response)


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


def _pair(
    question: Question, chosen: AnnotatedResponse, rejected: AnnotatedResponse
) -> PreferencePair:
    return PreferencePair(
        prompt=(Message(role='user', content=question.question),),
        chosen=(Message(role='assistant', content=chosen.text),),
        chosen_item=_item(chosen, unlabelled='hallucination'),
        rejected=(Message(role='assistant', content=rejected.text),),
        rejected_item=_item(rejected, unlabelled='no_hallucination'),
        question_id=question.question_id,
        topic=question.topic,
        language=question.language,
        provenance={
            'chosen_model': chosen.model,
            'rejected_model': rejected.model,
            **{f'annotator_{key}': value for key, value in chosen.annotator.items()},
        },
    )


def _item(response: AnnotatedResponse, unlabelled: BinaryType) -> PairItem:
    """``unlabelled`` is the type that keeps a sentence without a verdict out of the loss."""
    # The released trainer looks its sentences up in the response; white space is not theirs.
    return PairItem(
        sents=tuple(response.text[s.start : s.end].strip() for s in response.sentences),
        type=tuple(_binary(s, unlabelled) for s in response.sentences),
        spans=tuple((s.start, s.end) for s in response.sentences),
        labels=tuple(s.label for s in response.sentences),
        score=factuality_score(response),
        seed=response.seed,
        sample_index=response.sample_index,
        finish_reason=response.finish_reason,
    )


def _binary(sentence: Sentence, unlabelled: BinaryType) -> BinaryType:
    if sentence.label is None:
        return unlabelled
    return 'hallucination' if sentence.label.is_hallucination else 'no_hallucination'
