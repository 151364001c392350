"""Judging no more than the pairs need gives the pairs of judging all."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from maskdpo_xtuner.pairing import (
    PairRules,
    bounds_of,
    factuality_score,
    make_pairs,
    reads_all_scores,
    still_needed,
)
from maskdpo_xtuner.records import AnnotatedResponse, Sentence
from tests.pairing.judging import Judging
from tests.pairing.responses import QUESTION, response, responses_of
from tests.pairing.test_invariants import other_settings, some_responses

needed_rules = st.one_of(
    st.just({'rule': 'best_worst'}),
    st.builds(lambda n: {'rule': 'all', 'max_pairs': n}, st.integers(1, 4)),
    st.builds(lambda n: {'rule': 'top_bottom', 'top_bottom': n}, st.integers(1, 4)),
)


@hypothesis_settings(deadline=None, max_examples=300)
@given(
    some_responses(),
    needed_rules,
    other_settings,
    st.booleans(),
    st.sampled_from([0, 1, 2]),
    st.randoms(),
)
def test_pairs_scores_and_drop_reasons_are_those_of_judging_all(
    responses: list[AnnotatedResponse],
    rule: dict[str, Any],
    others: dict[str, Any],
    documents: bool,
    steps: int,
    chance: Any,
) -> None:
    if documents:
        responses = [
            r.model_copy(update={'with_document': chance.random() < 0.5}) for r in responses
        ]
    rules = PairRules(**rule, **others, chosen_with_document=documents)
    of_all = make_pairs(QUESTION, responses, rules)
    judged = Judging(responses, steps).run(rules)
    assert make_pairs(QUESTION, judged, rules) == of_all
    if isinstance(of_all, str):
        scores = [
            [factuality_score(r, rules.no_facts) for r in each] for each in (responses, judged)
        ]
        assert scores[0] == scores[1]


def test_the_score_stays_within_bounds_that_every_verdict_narrows() -> None:
    judging = Judging([response(0, '+-0?+~')])
    rules = PairRules()
    score = factuality_score(judging.responses[0])
    assert score is not None
    least, most = 0.0, 1.0
    for asked in range(7):
        judging.asked[0] = asked
        found = bounds_of(judging.partial()[0], rules)
        assert least <= found.least <= score <= found.most <= most
        least, most = found.least, found.most
    assert found.is_whole
    assert least == most == score


def test_a_response_judged_in_part_has_no_score() -> None:
    judging = Judging([response(0, '++')])
    judging.asked[0] = 1
    assert factuality_score(judging.partial()[0]) is None


def test_what_can_change_neither_side_is_not_asked() -> None:
    # The first is perfect and the second has nothing right: one sentence shows of each other one
    # that it is neither better nor worse, and none of the third would be the first of its kind.
    judging = Judging(responses_of('++', '--', '++++', '----'))
    made = make_pairs(QUESTION, judging.run(PairRules()), PairRules())
    assert not isinstance(made, str)
    assert (made[0].chosen_item.sample_index, made[0].rejected_item.sample_index) == (0, 1)
    assert judging.asked == {0: 2, 1: 2, 2: 0, 3: 0}


def test_a_question_without_a_pair_is_judged_whole() -> None:
    judging = Judging(responses_of('+-', '+-', '-+'))
    judging.run(PairRules(max_length_ratio=1))
    assert judging.asked == {0: 2, 1: 2, 2: 2}


def test_what_was_not_to_be_judged_is_in_no_bound() -> None:
    cut = Sentence(start=4, end=8, failure='cut: here')
    partial = response(0, '+?').model_copy(
        update={'sentences': (Sentence(start=0, end=4, failure='not_needed'), cut)}
    )
    found = bounds_of(partial, PairRules(max_without_verdict=0))
    assert (found.least, found.most, found.supported) == (0, 1, 1)


def test_hardly_anything_that_is_asked_could_be_left_out() -> None:
    chance, asked, spare = Random(0), 0, 0
    for _ in range(300):
        lengths = [chance.randint(1, 5) for _ in range(chance.randint(2, 7))]
        marks = [''.join(chance.choice('+-') for _ in range(length)) for length in lengths]
        judging = Judging(responses_of(*marks))
        judging.run(PairRules())
        asked += sum(judging.asked.values())
        spare += sum(is_spare(judging, index) for index, count in judging.asked.items() if count)
    # What was urgent when it was asked may be decided by what is learnt of the others.
    assert spare < asked / 500


def is_spare(judging: Judging, index: int) -> bool:
    """Whether the pairs are decided without the last sentence that was asked of a response."""
    judging.asked[index] -= 1
    needed = still_needed([bounds_of(r, PairRules()) for r in judging.partial()], PairRules())
    judging.asked[index] += 1
    return not needed


@pytest.mark.parametrize(
    ('rules', 'reason'),
    [
        ({}, None),
        ({'rule': 'top_bottom', 'top_bottom': 2}, None),
        ({'rule': 'all', 'max_pairs': 3}, None),
        ({'rule': 'all'}, "rule='all' without max_pairs pairs every score"),
        ({'rule': 'tests.pairing.test_needed:own_rule'}, 'may read every label'),
    ],
)
def test_a_rule_that_needs_every_score_says_so(rules: dict[str, Any], reason: str | None) -> None:
    found = reads_all_scores(PairRules(**rules))
    assert found == reason or (reason and found and reason in found)


def own_rule(question: Any, responses: Any, rules: Any) -> str:
    return 'never'
