"""The rules against hand-made answers: which pairs, in which order, and why none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from maskdpo_xtuner.masking import labelled_response
from maskdpo_xtuner.pairing import DropReason, PairRules, make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, FinishReason, Label, PreferencePair
from tests.pairing.responses import QUESTION, indices, response, responses_of

# Scores 1, 0.75, 0.5, 0.25, 0 in another order.
FIVE = responses_of('+---', '++++', '----', '+++-', '++--')


def made(responses: list[AnnotatedResponse], **settings: Any) -> list[PreferencePair] | str:
    return make_pairs(QUESTION, responses, PairRules(**settings))


# -- best against worst


@pytest.mark.parametrize('responses', [FIVE, FIVE[::-1]])
def test_the_papers_rule_gives_one_pair(responses: list[AnnotatedResponse]) -> None:
    assert indices(made(responses)) == [(1, 2)]


# -- all pairs


def test_all_gives_every_pair_of_different_score_the_largest_margins_first() -> None:
    expected = [
        (1, 2),  # 1
        *((1, 0), (3, 2)),  # 0.75
        *((1, 4), (3, 0), (4, 2)),  # 0.5
        *((1, 3), (3, 4), (4, 0), (0, 2)),  # 0.25
    ]
    assert indices(made(FIVE, rule='all')) == expected
    assert indices(made(FIVE[::-1], rule='all')) == expected
    for most in (1, 4, 10, 11):
        assert indices(made(FIVE, rule='all', max_pairs=most)) == expected[:most]


def test_all_pairs_no_equals() -> None:
    responses = responses_of('+', '-', '++', '--')
    assert indices(made(responses, rule='all')) == [(0, 1), (0, 3), (2, 1), (2, 3)]


def test_all_has_the_papers_reasons_for_none() -> None:
    for rule in ({'rule': 'all'}, {'rule': 'top_bottom', 'top_bottom': 2}):
        assert made(responses_of('+-', '++--'), **rule) is DropReason.EQUAL_SCORES
        assert made(responses_of('--', '-'), **rule) is DropReason.NO_CORRECT_SENTENCE
        assert made(responses_of('++', '0'), **rule) is DropReason.NO_HALLUCINATION
        assert made(responses_of('+'), **rule) is DropReason.TOO_FEW_SCORED


def test_of_all_pairs_only_those_of_one_text_are_dropped() -> None:
    same = [
        response(0, '+-', text='Abc. Def.'),
        response(1, '--', text='Abc. Def.'),
        response(2, '++'),
    ]
    assert indices(made(same, rule='all')) == [(2, 1), (2, 0)]
    assert made(same[:2], rule='all') is DropReason.IDENTICAL


# -- the best n against the worst n


@pytest.mark.parametrize('number', [1, 2, 3, 9])
def test_top_bottom_pairs_rank_for_rank_and_stops_in_the_middle(number: int) -> None:
    expected = [(1, 2), (3, 0)][:number]
    assert indices(made(FIVE, rule='top_bottom', top_bottom=number)) == expected


def test_top_bottom_uses_no_answer_twice() -> None:
    responses = responses_of('+', '-', '-', '-')
    assert indices(made(responses, rule='top_bottom', top_bottom=3)) == [(0, 1)]


def test_top_bottom_ranks_equals_by_their_facts_when_asked() -> None:
    responses = responses_of('+', '++', '+++', '-', '--', '---')
    ranks = {'rule': 'top_bottom', 'top_bottom': 3}
    assert indices(made(responses, **ranks)) == [(0, 3), (1, 4), (2, 5)]
    assert indices(made(responses, **ranks, ties='most_facts')) == [(2, 5), (1, 4), (0, 3)]


# -- ties


def test_of_equal_scores_most_facts_takes_what_says_most() -> None:
    responses = responses_of('+', '0+', '++', '++', '-', '-~', '~~')
    assert indices(made(responses)) == [(0, 4)]
    assert indices(made(responses, ties='most_facts')) == [(2, 5)]
    assert indices(made(responses[::-1], ties='most_facts')) == [(2, 5)]


def test_most_facts_never_beats_the_score() -> None:
    assert indices(made(responses_of('+', '++++-', '-', '----+'), ties='most_facts')) == [(0, 2)]


# -- No Facts


def test_ignored_no_facts_make_no_answer_the_best() -> None:
    responses = responses_of('000', '00+-', '+--', '00')
    assert indices(made(responses)) == [(0, 2)]
    assert indices(made(responses, no_facts='ignored')) == [(1, 2)]


def test_answers_of_nothing_but_ignored_sentences_are_not_used() -> None:
    assert made(responses_of('000', '+'), no_facts='ignored') is DropReason.TOO_FEW_SCORED
    assert made(responses_of('00-', '-'), no_facts='ignored') is DropReason.NO_CORRECT_SENTENCE


def test_ignored_sentences_are_trained_on_on_neither_side() -> None:
    responses = responses_of('0+-', '0-+-')

    def weights(**settings: Any) -> list[Sequence[float]]:
        pairs = made(responses, **settings)
        assert not isinstance(pairs, str)
        return [labelled_response(side, pairs[0]).weights for side in ('chosen', 'rejected')]

    assert weights() == [[1, 1, 0], [0, 1, 0, 1]]
    assert weights(no_facts='ignored') == [[0, 1, 0], [0, 1, 0, 1]]


def test_ignored_sentences_keep_their_label() -> None:
    pairs = made(responses_of('0+', '0-'), no_facts='ignored')
    assert not isinstance(pairs, str)
    chosen, rejected = pairs[0].chosen_item, pairs[0].rejected_item
    assert chosen.labels == (Label.NO_FACTS, Label.NO_HALLUCINATION)
    assert chosen.type == ('hallucination', 'no_hallucination')
    assert rejected.labels == (Label.NO_FACTS, Label.CONTRADICTORY)
    assert rejected.type == ('no_hallucination', 'hallucination')
    assert (chosen.score, rejected.score) == (1, 0)


# -- lengths; a sentence has four characters


@pytest.mark.parametrize(
    ('ratio', 'expected'),
    [(None, (0, 1)), (4, (0, 1)), (3.9, (0, 2)), (2, (0, 2)), (1.5, (4, 1)), (1, (3, 2))],
)
def test_a_pair_of_too_different_length_gives_way_to_the_next_best(
    ratio: float | None, expected: tuple[int, int]
) -> None:
    responses = responses_of('+', '----', '--', '+-', '0+0+--')
    assert indices(made(responses, max_length_ratio=ratio)) == [expected]


def test_the_longer_side_may_be_either() -> None:
    assert made(responses_of('+++', '-'), max_length_ratio=2) is DropReason.LENGTH_RATIO
    assert made(responses_of('+', '---'), max_length_ratio=2) is DropReason.LENGTH_RATIO
    assert DropReason.LENGTH_RATIO.value == 'no_pair_within_length_ratio'


def test_equal_scores_are_no_way_out_of_the_ratio() -> None:
    responses = responses_of('+', '----', '+', '----')
    assert made(responses, max_length_ratio=2) is DropReason.LENGTH_RATIO


def test_the_ratio_hides_none_of_the_papers_reasons() -> None:
    assert made(responses_of('-', '----'), max_length_ratio=1) is DropReason.NO_CORRECT_SENTENCE
    assert made(responses_of('+', '++++'), max_length_ratio=1) is DropReason.NO_HALLUCINATION
    assert made(responses_of('+-', '++++----'), max_length_ratio=1) is DropReason.EQUAL_SCORES


def test_the_other_rules_keep_to_the_ratio() -> None:
    responses = responses_of('+', '-', '----', '++++')
    assert indices(made(responses, rule='all', max_length_ratio=1)) == [(0, 1), (3, 2)]
    crossed = responses_of('+', '++++', '----', '-')
    ranks = {'rule': 'top_bottom', 'top_bottom': 2}
    assert indices(made(crossed, **ranks)) == [(0, 2), (1, 3)]
    assert indices(made(crossed, **ranks, max_length_ratio=1)) == [(0, 3), (1, 2)]


# -- what holds for every rule


@pytest.mark.parametrize('finish_reason', ['stop', 'length'])
def test_cut_answers_are_kept_out_of_every_rule(finish_reason: FinishReason) -> None:
    responses = [response(0, '+', finish_reason), *responses_of('', '+-', '-')[1:]]
    pairs = indices(made(responses, rule='all', truncated_chosen=False))
    assert ((0, 2) in pairs) == (finish_reason == 'stop')
    assert (1, 2) in pairs


def test_a_pair_says_which_rule_made_it() -> None:
    pairs = made(FIVE, rule='all', no_facts='ignored', ties='most_facts')
    assert not isinstance(pairs, str)
    for pair in pairs:
        assert pair.provenance is not None
        own = {key: pair.provenance[key] for key in ('rule', 'no_facts', 'ties')}
        assert own == {'rule': 'all', 'no_facts': 'ignored', 'ties': 'most_facts'}


# -- models that think


def thought_cut(index: int) -> AnnotatedResponse:
    """An answer whose token limit came before the end of the thoughts."""
    whole = response(index, '+')
    cut = {'text': '', 'sentences': (), 'finish_reason': 'length', 'reasoning': 'Which metal is'}
    return AnnotatedResponse.model_validate({**whole.model_dump(), **cut})


def test_a_question_whose_answers_were_cut_within_the_thoughts_is_dropped_for_that() -> None:
    cut = [thought_cut(1), thought_cut(2)]
    assert made([response(0, '+'), *cut]) is DropReason.THOUGHT_CUT
    assert DropReason.THOUGHT_CUT.value == 'thought_cut_at_token_limit'
    # One answer more would not have done, or the others do.
    assert made([thought_cut(0)]) is DropReason.TOO_FEW_SCORED
    assert indices(made([*cut, response(3, '+'), response(4, '-')])) == [(3, 4)]


def test_an_answer_that_ended_by_itself_without_a_text_is_no_cut_thought() -> None:
    silent = [thought_cut(n).model_copy(update={'finish_reason': 'stop'}) for n in range(2)]
    assert made(silent) is DropReason.TOO_FEW_SCORED


def test_a_pair_says_with_which_variables_of_the_template_it_was_sampled() -> None:
    kwargs = '{"enable_thinking": false}'
    both = [each.model_copy(update={'template_kwargs': kwargs}) for each in responses_of('+', '-')]
    with_kwargs, plain = made(both), made(responses_of('+', '-'))
    assert not isinstance(with_kwargs, str)
    assert not isinstance(plain, str)
    assert [(pair.provenance or {})['template_kwargs'] for pair in with_kwargs] == [kwargs]
    assert ['template_kwargs' in (pair.provenance or {}) for pair in plain] == [False]
