"""Annotated answers to preference pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from maskdpo_xtuner.pairs import (
    DroppedQuestion,
    DropReason,
    PairRules,
    factuality_score,
    make_pair,
)
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question

_NO_MORE: tuple[None, tuple[AnnotatedResponse, ...]] = (None, ())


def pair(
    annotated: Iterable[AnnotatedResponse], questions: Mapping[str, Question], rules: PairRules
) -> Iterator[PreferencePair | DroppedQuestion]:
    """One pair or one drop a question, in the order of the questions.

    Args:
        annotated: the answers, question by question in that order; a question may have none.
        questions: by id.
        rules: which answers may be compared.
    """
    groups = groupby(annotated, key=lambda response: response.question_id)
    answered_id, answers = next(groups, _NO_MORE)
    for question_id, question in questions.items():
        responses: list[AnnotatedResponse] = []
        if question_id == answered_id:
            responses = list(answers)
            answered_id, answers = next(groups, _NO_MORE)
        made = make_pair(question, responses, rules)
        yield made if isinstance(made, PreferencePair) else _dropped(question, made, responses)
    assert answered_id is None, f'answers to {answered_id} are not where they belong'


def _dropped(
    question: Question, reason: DropReason, responses: Iterable[AnnotatedResponse]
) -> DroppedQuestion:
    return DroppedQuestion(
        question_id=question.question_id,
        question=question.question,
        reason=reason,
        scores=tuple(factuality_score(response) for response in responses),
    )
