"""Pairs made by hand out of annotated answers."""

from __future__ import annotations

from typing import Literal

from maskdpo_xtuner.masking.pairs import SUPERVISED_TYPE
from maskdpo_xtuner.records import AnnotatedResponse, Message, PairItem, PreferencePair
from maskdpo_xtuner.reports.segments import correct_share, sentence_marks


def item(answer: AnnotatedResponse, side: Literal['chosen', 'rejected']) -> PairItem:
    """Write one side as the pipeline does."""
    unlabelled = (
        'hallucination' if SUPERVISED_TYPE[side] == 'no_hallucination' else 'no_hallucination'
    )
    types = []
    for sentence in answer.sentences:
        if sentence.label is None:
            types.append(unlabelled)
        else:
            wrong = sentence.label.is_hallucination
            types.append('hallucination' if wrong else 'no_hallucination')
    return PairItem(
        sents=tuple(answer.text[s.start : s.end].strip() for s in answer.sentences),
        type=tuple(types),
        spans=tuple((s.start, s.end) for s in answer.sentences),
        labels=tuple(s.label for s in answer.sentences),
        score=correct_share(sentence_marks(answer.sentences)),
        sample_index=answer.sample_index,
        finish_reason=answer.finish_reason,
    )


def pair(chosen: AnnotatedResponse, rejected: AnnotatedResponse) -> PreferencePair:
    """Pair two answers to one question."""
    return PreferencePair(
        prompt=(Message(role='user', content=f'Tell me of {chosen.question_id}.'),),
        chosen=(Message(role='assistant', content=chosen.text),),
        chosen_item=item(chosen, 'chosen'),
        rejected=(Message(role='assistant', content=rejected.text),),
        rejected_item=item(rejected, 'rejected'),
        question_id=chosen.question_id,
        topic='metals',
        language='en',
        provenance={'model': 'tiny'},
    )


def released(pair: PreferencePair) -> dict:
    """The pair as a file of the released trainer has it."""
    return {
        **pair.model_dump(include={'prompt', 'chosen', 'rejected'}),
        'chosen_item': pair.chosen_item.model_dump(include={'sents', 'type'}),
        'rejected_item': pair.rejected_item.model_dump(include={'sents', 'type'}),
    }
