"""The counting of FActScore's release: its rules, with the values that it gives."""

from __future__ import annotations

import math

import pytest

from maskdpo_xtuner.evaluation.official_factscore import (
    Abstain,
    length_penalty,
    official_scores,
    official_verdict,
)
from maskdpo_xtuner.records import Fact
from tests.evaluation.answers import answer
from tests.evaluation.factscored import fact, factscored


def test_an_answer_with_three_of_four_facts_and_one_without() -> None:
    scores = official_scores([factscored(['++', '+-']), factscored([''])])
    assert scores.score == pytest.approx(0.1673, abs=5e-5)
    assert scores.score == pytest.approx(0.75 * math.exp(1 - 10 / 4))
    assert (scores.init_score, scores.respond_ratio) == (0.75, 0.5)
    assert (scores.facts_per_response, scores.responses) == (4, 2)


@pytest.mark.parametrize(
    ('facts', 'factor'), [(1, 0.000123), (5, 0.368), (10, 1.0), (11, 1.0), (60, 1.0)]
)
def test_the_penalty_for_few_facts(facts: int, factor: float) -> None:
    assert length_penalty(facts) == pytest.approx(factor, rel=5e-3)


def test_without_gamma_there_is_no_penalty() -> None:
    scores = official_scores([factscored(['+-'])], gamma=0)
    assert scores.score == scores.init_score == 0.5


def test_scores_are_means_over_answers_and_not_over_facts() -> None:
    scores = official_scores([factscored(['+' * 30]), factscored(['-' * 10])], gamma=0)
    assert scores.score == 0.5
    assert scores.facts_per_response == 20


@pytest.mark.parametrize(
    ('reply', 'supported'),
    [
        ('True', True),
        ('FALSE.', False),
        ('It is untrue', True),
        ('True? No, False', False),
        ('False is wrong: true', True),
        # The first occurrence of each: that of "true" comes later.
        ('False ... true ... false', True),
        ('It says so.', True),
        ('', True),
        ('It does not say so.', False),
        ("The text doesn't say so.", True),
        ('Not!', False),
        ('Unknown.', False),
        ('There is no information.', False),
        ('It is uninformative.', True),
        ('One cannot say', False),
    ],
)
def test_a_verdict_is_read_out_of_any_reply(reply: str, supported: bool) -> None:
    assert official_verdict(fact('?', reply)) is supported


def test_a_fact_without_a_reply_has_the_verdict_of_its_judge() -> None:
    assert official_verdict(Fact(text='a', supported=True)) is True
    assert official_verdict(Fact(text='a', supported=False)) is False


def test_an_unreadable_verdict_counts_as_supported_and_is_said() -> None:
    scores = official_scores([factscored(['+?'])], gamma=0)
    assert (scores.score, scores.unreadable_verdicts) == (1.0, 1)


def test_facts_that_could_not_be_read_are_none_and_are_said() -> None:
    scores = official_scores([factscored(['+-', 'unparsed: facts: hm'])], gamma=0)
    assert (scores.score, scores.facts_per_response, scores.unreadable_facts) == (0.5, 2, 1)


@pytest.mark.parametrize('failure', ['no_page: x', 'failed: facts: HTTP 500'])
def test_what_the_release_ends_at_is_left_out_and_said(failure: str) -> None:
    scores = official_scores([factscored(['+', failure]), factscored(['-'])], gamma=0)
    assert (scores.score, scores.responses, scores.left_out) == (0.0, 1, 1)


def test_a_fact_whose_request_failed_leaves_its_answer_out() -> None:
    failed = Fact(text='a', supported=None, failure='failed: verdict: HTTP 500')
    response = factscored(['+'])
    sentence = response.sentences[0].model_copy(update={'facts': (fact('+'), failed)})
    scores = official_scores([response.model_copy(update={'sentences': (sentence,)})])
    assert (scores.score, scores.left_out) == (None, 1)


@pytest.mark.parametrize(
    ('text', 'abstain', 'ratio'),
    [
        ("I'm sorry, I do not know.", 'off', 1.0),
        ("I'm sorry, I do not know.", 'generic', 0.0),
        ("Well, I'm sorry.", 'generic', 1.0),
        ('Could you provide more context?', 'generic', 0.0),
    ],
)
def test_abstentions_are_looked_for_on_demand(text: str, abstain: Abstain, ratio: float) -> None:
    response = factscored(['+' * 20]).model_copy(update={'text': text})
    scores = official_scores([response], abstain=abstain)
    assert (scores.respond_ratio, scores.abstained) == (ratio, 1 - ratio)


def test_of_no_answers_there_is_no_score() -> None:
    scores = official_scores([])
    assert (scores.score, scores.init_score, scores.respond_ratio) == (None, None, None)


def test_answers_of_another_judge_are_refused() -> None:
    with pytest.raises(ValueError, match='this counts answers that the judge factscore annotated'):
        official_scores([answer('q', 0, '+c')])
