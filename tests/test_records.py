"""What a record refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from maskdpo_xtuner.records import Fact, Label, PairItem, PreferencePair, Sentence, check_spans
from tests.preference_pairs import released_pair


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        ({}, 'either type or weights'),
        ({'type': ['hallucination'] * 2, 'weights': [1, 0]}, 'either type or weights'),
        ({'weights': [1]}, '2 sents but 1 weights'),
        ({'weights': [1, -0.5]}, 'greater than or equal to 0'),
        ({'weights': [1, float('inf')]}, 'finite number'),
        ({'type': ['hallucination']}, '2 sents but 1 type'),
    ],
)
def test_each_piece_of_a_pair_has_a_type_or_a_finite_weight(
    fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        PairItem(sents=('It is so.', 'It is not.'), **fields)


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        ({'start': 0, 'end': 1, 'label': 'wrong'}, "should be 'no_facts', 'no_hallucination'"),
        ({'start': 1, 'end': 1, 'label': 'no_facts'}, r'the span \[1, 1\) is empty'),
        ({'start': -1, 'end': 1, 'label': 'no_facts'}, 'greater than or equal to 0'),
        ({'start': 0, 'end': 1}, 'either a label or a failure'),
        ({'start': 0, 'end': 1, 'label': 'no_facts', 'failure': 'x'}, 'either a label or a'),
    ],
)
def test_a_sentence_has_a_span_and_one_outcome(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Sentence(**fields)


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        ({'supported': None}, 'supported or not, or has a failure'),
        ({'supported': False, 'failure': 'unparsed: hm'}, 'supported or not, or has a failure'),
        ({'supported': True, 'text': ''}, 'at least 1 character'),
    ],
)
def test_a_fact_has_one_outcome(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Fact(**{'text': 'Tin is a metal.', **fields})


def test_a_sentence_is_written_with_facts_only_where_its_judge_has_them() -> None:
    without = Sentence(start=0, end=1, label=Label.NO_FACTS)
    assert without.model_dump_json() == (
        '{"start":0,"end":1,"label":"no_facts","failure":null,"points":[],"notes":[]}'
    )
    none = without.model_copy(update={'facts': ()})
    assert '"facts":[]' in none.model_dump_json()
    facts = (
        Fact(text='a', supported=True, reply='True'),
        Fact(text='b', supported=None, failure='unparsed: hm'),
    )
    some = Sentence(start=0, end=1, failure='unparsed: hm', facts=facts)
    assert '"facts":[{"text":"a","supported":true,"reply":"True"},' in some.model_dump_json()
    for sentence in (without, none, some):
        assert Sentence.model_validate_json(sentence.model_dump_json()) == sentence


@pytest.mark.parametrize('spans', [[(0, 2), (1, 3)], [(2, 3), (0, 1)], [(0, 4)], [(1, 1)]])
def test_spans_stand_in_order_within_the_text(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match=r'the span \['):
        check_spans(spans, 3)


def test_spans_may_leave_gaps_and_touch() -> None:
    check_spans([(0, 1), (1, 2), (4, 5)], 5)
    check_spans([], 0)


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'chosen': [{'role': 'user', 'content': 'a'}]}, "chosen: the role is 'user'"),
        (
            {'rejected': [{'role': 'assistant', 'content': ' \n'}]},
            'rejected: the response is empty',
        ),
        ({'rejected': []}, 'at least 1 item'),
        ({'prompt': []}, 'at least 1 item'),
    ],
)
def test_a_pair_has_a_prompt_and_two_answers(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PreferencePair.model_validate(released_pair() | changes)


def test_spans_of_a_pair_stand_in_its_answer() -> None:
    item = {'sents': ['a'], 'type': ['hallucination'], 'spans': [[0, 999]]}
    with pytest.raises(ValidationError, match=r'the span \[0, 999\) .* leaves the text'):
        PreferencePair.model_validate(released_pair(chosen_item=item))


@pytest.mark.parametrize(
    ('label', 'wrong'),
    [('no_facts', False), ('no_hallucination', False), ('contradictory', True)]
    + [('unverifiable', True)],
)
def test_two_of_the_four_labels_are_hallucinations(label: str, wrong: bool) -> None:
    assert Label(label).is_hallucination is wrong
