"""From the annotated answers to a question to its preference pairs, or the reason for none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maskdpo_xtuner.pairing.scores import factuality_score
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
from maskdpo_xtuner.registry import PAIRINGS

Rule = Callable[[Question, Sequence[AnnotatedResponse], PairRules], 'list[PreferencePair] | str']
"""Takes a question with its annotated answers; gives at least one pair, or why there is none.

The reason is a stable string: files and tables count by it.
"""


def make_pairs(
    question: Question, responses: Sequence[AnnotatedResponse], rules: PairRules
) -> list[PreferencePair] | str:
    """Pair answers as the rule that the settings name says.

    Returns:
        At least one pair, in an order that depends on the answers and rules alone; or why there is
        none.

    Raises:
        ValueError: for a rule that gives neither.
    """
    made: list[PreferencePair] | str = PAIRINGS.get(rules.rule)(question, responses, rules)
    if not made:
        raise ValueError(
            f'the rule {rules.rule} gave neither a pair nor a reason for {question.question_id}'
        )
    return made


def as_pair(
    question: Question,
    chosen: AnnotatedResponse,
    rejected: AnnotatedResponse,
    rules: PairRules,
) -> PreferencePair:
    """Write two answers down as a pair that trains on what the rules let count."""
    return PreferencePair(
        prompt=(Message(role='user', content=question.question),),
        chosen=(Message(role='assistant', content=chosen.text),),
        chosen_item=_item(chosen, rules, unsupervised='hallucination'),
        rejected=(Message(role='assistant', content=rejected.text),),
        rejected_item=_item(rejected, rules, unsupervised='no_hallucination'),
        question_id=question.question_id,
        topic=question.topic,
        language=question.language,
        provenance={
            'rule': rules.rule,
            'no_facts': rules.no_facts,
            'ties': rules.ties,
            'chosen_model': chosen.model,
            'rejected_model': rejected.model,
            **({'template_kwargs': kwargs} if (kwargs := chosen.template_kwargs) else {}),
            **{f'annotator_{key}': value for key, value in chosen.annotator.items()},
        },
    )


def _item(response: AnnotatedResponse, rules: PairRules, unsupervised: BinaryType) -> PairItem:
    """Write one side down; ``unsupervised`` is the type that keeps a sentence out of its loss."""
    # The released trainer looks its sentences up in the response; white space is not theirs.
    return PairItem(
        sents=tuple(response.text[s.start : s.end].strip() for s in response.sentences),
        type=tuple(_binary(s, rules, unsupervised) for s in response.sentences),
        spans=tuple((s.start, s.end) for s in response.sentences),
        labels=tuple(s.label for s in response.sentences),
        score=factuality_score(response, rules.no_facts),
        seed=response.seed,
        sample_index=response.sample_index,
        finish_reason=response.finish_reason,
    )


def _binary(sentence: Sentence, rules: PairRules, unsupervised: BinaryType) -> BinaryType:
    is_ignored = sentence.label is Label.NO_FACTS and rules.no_facts == 'ignored'
    if sentence.label is None or is_ignored:
        return unsupervised
    return 'hallucination' if sentence.label.is_hallucination else 'no_hallucination'
