"""From the annotated answers to a question to its preference pairs, or the reason for none."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.pairing.drops import DropReason, reason_against
from maskdpo_xtuner.pairing.ranking import Candidate, Scored, candidates, rank
from maskdpo_xtuner.pairing.rules import PAIRINGS
from maskdpo_xtuner.pairing.settings import PairRules
from maskdpo_xtuner.records import (
    AnnotatedResponse,
    BinaryType,
    Label,
    Message,
    PairItem,
    PreferencePair,
    Question,
    Sentence,
)


def make_pairs(
    question: Question, responses: Sequence[AnnotatedResponse], rules: PairRules
) -> list[PreferencePair] | DropReason:
    """Pair answers as the rule says.

    Pairs are dropped as the paper does (section 2.2): where the chosen answer has no
    hallucination-free sentence, the rejected has no hallucinated one, or both sides are the same
    text; for the last one no other pair takes the place.

    Returns:
        At least one pair, in an order that depends on the answers and rules alone; or why there is
        none.
    """
    ranking = rank(responses, rules)
    reason = reason_against(ranking)
    if reason:
        return reason
    picked = list(PAIRINGS[rules.rule](candidates(ranking, rules), rules))
    if not picked:
        return DropReason.LENGTH_RATIO
    pairs = [_pair(question, item, rules) for item in picked if not _is_identical(item)]
    return pairs or DropReason.IDENTICAL


def _is_identical(candidate: Candidate) -> bool:
    """Whether one text has two verdicts."""
    return candidate.chosen.response.text == candidate.rejected.response.text


def _pair(question: Question, candidate: Candidate, rules: PairRules) -> PreferencePair:
    chosen, rejected = candidate.chosen.response, candidate.rejected.response
    return PreferencePair(
        prompt=(Message(role='user', content=question.question),),
        chosen=(Message(role='assistant', content=chosen.text),),
        chosen_item=_item(candidate.chosen, rules, unsupervised='hallucination'),
        rejected=(Message(role='assistant', content=rejected.text),),
        rejected_item=_item(candidate.rejected, rules, unsupervised='no_hallucination'),
        question_id=question.question_id,
        topic=question.topic,
        language=question.language,
        provenance={
            'rule': rules.rule,
            'no_facts': rules.no_facts,
            'ties': rules.ties,
            'chosen_model': chosen.model,
            'rejected_model': rejected.model,
            **{f'annotator_{key}': value for key, value in chosen.annotator.items()},
        },
    )


def _item(scored: Scored, rules: PairRules, unsupervised: BinaryType) -> PairItem:
    """``unsupervised`` is the type that keeps a sentence out of the loss on its side."""
    response = scored.response
    # The released trainer looks its sentences up in the response; white space is not theirs.
    return PairItem(
        sents=tuple(response.text[s.start : s.end].strip() for s in response.sentences),
        type=tuple(_binary(s, rules, unsupervised) for s in response.sentences),
        spans=tuple((s.start, s.end) for s in response.sentences),
        labels=tuple(s.label for s in response.sentences),
        score=scored.score,
        seed=response.seed,
        sample_index=response.sample_index,
        finish_reason=response.finish_reason,
    )


def _binary(sentence: Sentence, rules: PairRules, unsupervised: BinaryType) -> BinaryType:
    is_ignored = sentence.label is Label.NO_FACTS and rules.no_facts == 'ignored'
    if sentence.label is None or is_ignored:
        return unsupervised
    return 'hallucination' if sentence.label.is_hallucination else 'no_hallucination'
