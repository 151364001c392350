"""The paper's pair of a question: which it is, when there is none, and what the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.pairing import DropReason, PairRules, make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, Label, PreferencePair
from tests.pairing.responses import LABELS, QUESTION, response
from tests.preference_pairs import released_pair
from tests.reports.pair_records import released


def pair(responses: list[AnnotatedResponse], rules: PairRules | None = None) -> PreferencePair:
    made = make_pairs(QUESTION, responses, rules or PairRules())
    assert not isinstance(made, str), made
    (only,) = made
    return only


def sides(made: PreferencePair) -> tuple[int | None, int | None]:
    return made.chosen_item.sample_index, made.rejected_item.sample_index


def drop(responses: list[AnnotatedResponse], rules: PairRules | None = None) -> DropReason:
    made = make_pairs(QUESTION, responses, rules or PairRules())
    assert isinstance(made, DropReason), made
    return made


# -- which answers


def test_the_best_is_chosen_and_the_worst_rejected() -> None:
    assert sides(pair([response(0, '+-'), response(1, '+---'), response(2, '+++-')])) == (2, 1)


def test_of_equals_the_lowest_sample_index_is_taken_in_whatever_order_they_come() -> None:
    responses = [
        response(0, '+-'),
        response(1, '-+++'),
        response(2, '+++-'),
        response(3, '-'),
        response(4, '~'),
    ]
    assert sides(pair(responses)) == sides(pair(responses[::-1])) == (1, 3)


@pytest.mark.parametrize(
    ('marks', 'reason'),
    [
        ([], 'fewer_than_two_scored_responses'),
        (['+-'], 'fewer_than_two_scored_responses'),
        (['+-', '?'], 'fewer_than_two_scored_responses'),
        (['-~', '--'], 'chosen_without_correct_sentence'),
        (['+', '0+'], 'rejected_without_hallucination'),
        (['+-', '+++++-----'], 'equal_scores'),
    ],
)
def test_a_question_is_dropped_for_a_reason(marks: list[str], reason: str) -> None:
    assert drop([response(n, each) for n, each in enumerate(marks)]).value == reason


def test_the_same_text_with_two_verdicts_is_no_pair() -> None:
    responses = [response(0, '+-', text='Abc. Def'), response(1, '--', text='Abc. Def')]
    assert drop(responses) is DropReason.IDENTICAL


@pytest.mark.parametrize(
    ('rules', 'expected'),
    [
        (PairRules(), (0, 3)),
        (PairRules(truncated_chosen=False), (1, 3)),
        (PairRules(truncated_rejected=False), (0, 2)),
        (PairRules(truncated_chosen=False, truncated_rejected=False), (1, 2)),
    ],
)
def test_truncated_answers_are_used_as_the_rules_say(
    rules: PairRules, expected: tuple[int, int]
) -> None:
    responses = [
        *(response(0, '+', 'length'), response(1, '++-')),
        *(response(2, '+--'), response(3, '-', 'length')),
    ]
    assert sides(pair(responses, rules)) == expected


@pytest.mark.parametrize(('share', 'expected'), [(0.5, (0, 2)), (0.49, (1, 2)), (0.0, (1, 2))])
def test_an_answer_with_too_few_verdicts_is_not_used(
    share: float, expected: tuple[int, int]
) -> None:
    responses = [response(0, '+?'), response(1, '+-'), response(2, '--')]
    assert sides(pair(responses, PairRules(max_without_verdict=share))) == expected


# -- what a pair holds


def test_a_pair_says_where_it_comes_from() -> None:
    made = pair([response(0, '+-'), response(1, '-', 'length')])
    assert (made.question_id, made.topic, made.language) == ('q1', 'tin', 'en')
    assert made.provenance == {
        'rule': 'best_worst',
        'no_facts': 'correct',
        'ties': 'first',
        'chosen_model': 'm',
        'rejected_model': 'm',
        'annotator_name': 'scripted',
        'annotator_version': '1',
    }
    assert (made.chosen_item.seed, made.rejected_item.seed) == (100, 101)
    assert (made.chosen_item.score, made.rejected_item.score) == (0.5, 0)
    assert (made.chosen_item.finish_reason, made.rejected_item.finish_reason) == ('stop', 'length')


def test_sentences_stand_with_span_label_and_type() -> None:
    item = pair([response(0, '+0-~'), response(1, '-')]).chosen_item
    assert item.sents == ('00.', '01.', '02.', '03.')
    assert item.spans == ((0, 4), (4, 8), (8, 12), (12, 16))
    assert item.labels == tuple(LABELS[mark] for mark in '+0-~')
    assert item.type == (*['no_hallucination'] * 2, *['hallucination'] * 2)


def test_a_sentence_without_a_verdict_counts_on_neither_side() -> None:
    # The correct sentences of the chosen and the wrong ones of the rejected answer are trained on.
    made = pair([response(0, '+?'), response(1, '-?')])
    assert made.chosen_item.type == ('no_hallucination', 'hallucination')
    assert made.rejected_item.type == ('hallucination', 'no_hallucination')
    assert made.chosen_item.labels == (Label.NO_HALLUCINATION, None)
    assert made.rejected_item.labels == (Label.CONTRADICTORY, None)


# -- the file


def test_pairs_are_read_as_they_were_written(tmp_path: Path) -> None:
    made = [pair([response(0, '+?'), response(1, '-')]), pair([response(2, '+'), response(3, '-')])]
    assert write_records(tmp_path / 'pairs.jsonl', made) == 2
    assert list(read_records(tmp_path / 'pairs.jsonl', PreferencePair)) == made


def test_datasets_loads_the_file(tmp_path: Path) -> None:
    from datasets import load_dataset

    made = [
        pair([response(0, '+'), response(1, '-')]),
        pair([response(2, '+?'), response(3, '-~')]),
    ]
    path = tmp_path / 'pairs.jsonl'
    write_records(path, made)
    rows = load_dataset('json', data_files=str(path), split='train', cache_dir=str(tmp_path))
    assert [PreferencePair.model_validate(row) for row in rows] == made


def test_the_released_format_is_part_of_ours() -> None:
    made = pair([response(0, '+-'), response(1, '-')])
    ours, theirs = made.model_dump(mode='json'), released(made)
    assert theirs['prompt'] == ({'role': 'user', 'content': 'What is tin?'},)
    assert theirs['chosen'] == ({'role': 'assistant', 'content': '00. 01. '},)
    assert theirs['chosen_item'] == {
        'sents': ('00.', '01.'),
        'type': ('no_hallucination', 'hallucination'),
    }
    assert set(theirs) <= set(ours)
    for text, item in ((made.chosen, made.chosen_item), (made.rejected, made.rejected_item)):
        assert all(sentence in text[0].content for sentence in item.sents)


def test_a_released_pair_comes_back_as_it_was(tmp_path: Path) -> None:
    original = PreferencePair.model_validate(released_pair())
    write_records(tmp_path / 'pairs.jsonl', [original])
    (again,) = read_records(tmp_path / 'pairs.jsonl', PreferencePair)
    assert again == original
    assert again.model_dump(mode='json', exclude_none=True) == released_pair()
