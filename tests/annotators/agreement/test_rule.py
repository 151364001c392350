"""What several verdicts on a sentence amount to."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.agreement.rule import agreed
from maskdpo_xtuner.records import Label, Sentence

NAMES = ('lexical', 'table')


def said(verdict: str) -> Sentence:
    if verdict in set(Label):
        return Sentence(start=0, end=4, label=Label(verdict), points=(verdict,))
    return Sentence(start=0, end=4, failure=verdict)


@pytest.mark.parametrize(
    ('one', 'other', 'label'),
    [
        ('no_hallucination', 'no_hallucination', 'no_hallucination'),
        ('no_hallucination', 'no_facts', 'no_facts'),
        ('contradictory', 'contradictory', 'contradictory'),
        ('unverifiable', 'contradictory', 'unverifiable'),
    ],
)
def test_what_all_agree_on_has_the_label_that_claims_less(one: str, other: str, label: str) -> None:
    for pair in ((one, other), (other, one)):
        assert agreed(NAMES, [said(each) for each in pair]).label == label


def test_a_sentence_that_they_disagree_on_has_no_label_and_says_who_said_what() -> None:
    found = agreed(NAMES, [said('no_facts'), said('contradictory')])
    assert (found.label, found.failure_kind) == (None, 'disagreed')
    assert found.failure == 'disagreed: lexical no_facts, table contradictory'
    assert found.points == ('no_facts', 'contradictory')


def test_a_missing_verdict_is_missing_and_one_to_be_asked_again_comes_first() -> None:
    assert agreed(NAMES, [said('no_facts'), said('unparsed: hm')]).failure == 'unparsed: hm'
    both = [said('unparsed: hm'), said('failed: lost')]
    assert agreed(NAMES, both).failure_kind == 'failed'
