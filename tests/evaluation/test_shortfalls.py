"""What is missing has a name and a count, and is never a number."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.shortfalls import Shortfall, find_shortfalls
from maskdpo_xtuner.records import AnnotatedResponse
from tests.evaluation.answers import answer
from tests.evaluation.factscored import factscored


def found(*marks: str, most: float = 0.5, failure: str = 'unparsed: hm') -> list[Shortfall]:
    responses = [answer(f'q{n}', 0, mark) for n, mark in enumerate(marks)]
    failing = [_with_failure(response, failure) for response in responses]
    return find_shortfalls({'judge': {'base': failing}}, {'base': set()}, most)


def _with_failure(response: AnnotatedResponse, failure: str) -> AnnotatedResponse:
    sentences = [
        s.model_copy(update={'failure': failure}) if s.failure else s for s in response.sentences
    ]
    return response.model_copy(update={'sentences': tuple(sentences)})


def test_nothing_is_missing_where_nothing_is() -> None:
    assert found('+c.', '') == []
    assert found('+c?') == []


def test_a_judge_that_never_answers_is_named() -> None:
    (short,) = found('??', '?')
    assert (short.kind, short.judge, short.model) == ('silent judge', 'judge', 'base')
    assert (short.count, short.of) == (3, 3)
    assert short.describe() == (
        'base, judged by judge: 3 of 3 have no verdict: the judge never gave one'
    )


@pytest.mark.parametrize(
    ('marks', 'most', 'named'),
    [('+?', 0.5, True), ('++?', 0.5, False), ('++?', 0.3, True), ('+???', 1.0, False)],
)
def test_too_few_verdicts_are_named_from_the_bound_on(marks: str, most: float, named: bool) -> None:
    kinds = [short.kind for short in found(marks, most=most)]
    assert kinds == (['too few verdicts'] if named else [])


def test_half_of_the_lists_of_facts_are_half_however_many_facts_the_others_have() -> None:
    half = [factscored(['+-++', 'unparsed: facts: hm'], f'q{n}') for n in range(3)]
    (short,) = find_shortfalls({'judge': {'base': half}}, {'base': set()}, 0.5)
    assert (short.kind, short.count, short.of) == ('too few verdicts', 3, 6)


def test_failed_requests_are_told_from_unreadable_answers() -> None:
    (short,) = found('+++?', failure='failed: HTTP 500')
    assert (short.kind, short.count, short.of) == ('failed verdicts', 1, 4)


def test_requests_that_are_refused_for_good_are_a_shortfall_however_few() -> None:
    (short,) = found('+++?', failure='no_answer: longer than the context')
    assert (short.kind, short.count, short.of) == ('refused verdicts', 1, 4)
    assert short.describe().endswith('for good; see failures.jsonl for the reasons')


def test_questions_without_an_answer_are_counted() -> None:
    responses = {'judge': {'base': [answer('q0', 0, '+')]}}
    (short,) = find_shortfalls(responses, {'base': {('q1', 0), ('q2', 0)}}, 0.5)
    assert (short.kind, short.count, short.of) == ('no answer', 2, 3)
    assert short.describe().startswith('base: 2 of 3 questions have no answer')
