"""Pairs made out of hand-made answers."""

from __future__ import annotations

from typing import Any

from maskdpo_xtuner.pairing import PairRules, make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question


def pair(
    chosen: AnnotatedResponse, rejected: AnnotatedResponse, rules: PairRules | None = None
) -> PreferencePair:
    """Pair two answers to one question, the first of which scores higher."""
    question = Question(
        question_id=chosen.question_id,
        question=f'Tell me of {chosen.question_id}.',
        document='Metals shine.',
        language='en',
        topic='metals',
    )
    made = make_pairs(question, [chosen, rejected], rules or PairRules())
    assert not isinstance(made, str), made
    return made[0]


def released(pair: PreferencePair) -> dict[str, Any]:
    """The pair as a file of the released trainer has it."""
    return {
        **pair.model_dump(include={'prompt', 'chosen', 'rejected'}),
        'chosen_item': pair.chosen_item.model_dump(include={'sents', 'type'}),
        'rejected_item': pair.rejected_item.model_dump(include={'sents', 'type'}),
    }
