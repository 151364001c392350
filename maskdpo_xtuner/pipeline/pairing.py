"""Annotated answers to preference pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from maskdpo_xtuner.pairing import (
    DroppedQuestion,
    PairRules,
    factuality_score,
    make_pairs,
)
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question

_NO_MORE: tuple[None, tuple[AnnotatedResponse, ...]] = (None, ())


def pair(
    annotated: Iterable[AnnotatedResponse], questions: Mapping[str, Question], rules: PairRules
) -> Iterator[PreferencePair | DroppedQuestion]:
    """The pairs of each question, or one drop, in the order of the questions.

    Args:
        annotated: the answers, question by question in that order; a question may have none.
        questions: by id.
        rules: which answers make a pair, and what counts.
    """
    groups = groupby(annotated, key=lambda response: response.question_id)
    group_id, group = next(groups, _NO_MORE)
    for question_id, question in questions.items():
        responses: list[AnnotatedResponse] = []
        if question_id == group_id:
            responses = list(group)
            group_id, group = next(groups, _NO_MORE)
        made = make_pairs(question, responses, rules)
        if isinstance(made, str):
            yield _dropped(question, made, responses, rules)
        else:
            yield from made
    assert group_id is None, f'answers to {group_id} are not where they belong'


def _dropped(
    question: Question,
    reason: str,
    responses: Iterable[AnnotatedResponse],
    rules: PairRules,
) -> DroppedQuestion:
    return DroppedQuestion(
        question_id=question.question_id,
        question=question.question,
        reason=reason,
        scores=tuple(factuality_score(response, rules.no_facts) for response in responses),
    )
