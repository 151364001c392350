"""Annotated answers to preference pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from maskdpo_xtuner.pairs import DroppedQuestion, PairRules, factuality_score, make_pair
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question


def pair(
    annotated: Iterable[AnnotatedResponse], questions: Mapping[str, Question], rules: PairRules
) -> Iterator[PreferencePair | DroppedQuestion]:
    """One pair or one drop a question; the answers to a question stand together."""
    for question_id, group in groupby(annotated, key=lambda response: response.question_id):
        responses, question = list(group), questions[question_id]
        made = make_pair(question, responses, rules)
        if isinstance(made, PreferencePair):
            yield made
        else:
            yield DroppedQuestion(
                question_id=question_id,
                question=question.question,
                reason=made,
                scores=tuple(factuality_score(response) for response in responses),
            )
