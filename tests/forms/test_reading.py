"""Rows of TRL, of ms-swift and of our own, read into pairs."""

from __future__ import annotations

from typing import Any

import pytest

from maskdpo_xtuner.forms import read_pair, read_row
from maskdpo_xtuner.jsonl import RecordError
from maskdpo_xtuner.records import PreferencePair
from tests.preference_pairs import released_pair

SYSTEM = {'role': 'system', 'content': 'Be brief.'}
USER = {'role': 'user', 'content': 'What is neon?'}
GOOD = {'role': 'assistant', 'content': 'A gas.'}
BAD = {'role': 'assistant', 'content': 'A metal.'}


def pair_of(row: dict[str, Any]) -> PreferencePair:
    return read_pair(row, 'pairs.jsonl', 3)[0]


def texts(pair: PreferencePair) -> tuple[list[tuple[str, str]], str, str]:
    prompt: list[tuple[str, str]] = [(m.role, m.content) for m in pair.prompt]
    return prompt, pair.chosen[0].content, pair.rejected[0].content


@pytest.mark.parametrize(
    'row',
    [
        {'prompt': [USER], 'chosen': [GOOD], 'rejected': [BAD]},
        {'prompt': 'What is neon?', 'chosen': 'A gas.', 'rejected': 'A metal.'},
        {'chosen': [USER, GOOD], 'rejected': [USER, BAD]},
        {'prompt': 'What is neon?', 'chosen': [USER, GOOD], 'rejected': [USER, BAD]},
        {'prompt': 'What is neon?', 'chosen': [GOOD], 'rejected': [BAD]},
        {'messages': [USER, GOOD], 'rejected_response': 'A metal.'},
        {'messages': [USER, GOOD], 'rejected_messages': [USER, BAD], 'rejected_response': None},
    ],
    ids=[
        *('trl', 'trl plain', 'trl implicit', 'trl prompt twice', 'trl plain prompt'),
        *('swift', 'swift messages'),
    ],
)
def test_every_form_gives_the_same_pair(row: dict[str, Any]) -> None:
    pair = pair_of(row)
    assert texts(pair) == ([('user', 'What is neon?')], 'A gas.', 'A metal.')
    assert pair.chosen_item.is_unlabelled
    assert pair.rejected_item.is_unlabelled
    assert pair.chosen_item.sents == ('A gas.',)
    assert pair.rejected_item.spans == ((0, 8),)


def test_the_prompt_may_have_several_turns_and_end_where_the_answers_differ() -> None:
    turns = [SYSTEM, USER, BAD, USER]
    expected = [(turn['role'], turn['content']) for turn in turns]
    for row in (
        {'chosen': [*turns, GOOD], 'rejected': [*turns, BAD]},
        {'messages': [*turns, GOOD], 'rejected_response': 'A metal.'},
    ):
        assert texts(pair_of(row)) == (expected, 'A gas.', 'A metal.')


def test_equal_answers_are_answers_still() -> None:
    assert texts(pair_of({'chosen': [USER, GOOD], 'rejected': [USER, GOOD]}))[1] == 'A gas.'


def test_what_is_said_of_sentences_is_kept() -> None:
    value = released_pair(topic='neon', provenance={'rule': 'all', 'filled_in': None})
    pair = pair_of(value)
    assert pair.chosen_item.type == ('no_hallucination', 'hallucination')
    assert not pair.chosen_item.is_unlabelled
    assert (pair.topic, pair.provenance) == ('neon', {'rule': 'all'})


def test_what_has_no_place_in_a_pair_is_named() -> None:
    turn: dict[str, Any] = {**USER, 'loss': False, 'tool_calls': None}
    row = {
        'messages': [turn, GOOD],
        'rejected_response': 'A metal.',
        'images': ['neon.png'],
        'videos': [],
        'margin': 0.5,
        'label': None,
        'channel': 'web',
    }
    reading = read_row(row)
    assert reading.left_out == ('images', 'margin', 'channel')
    with pytest.raises(ValueError, match='^images: a pair of texts has no place for them'):
        read_row(row, text_only=True)
    turn['tool_calls'] = [{'name': 'search'}]
    assert read_row(row).left_out[-1] == 'tool_calls of messages'


@pytest.mark.parametrize(
    ('row', 'problem'),
    [
        ({'prompt': [USER]}, 'field "chosen" is missing'),
        ({'chosen': 'A gas.', 'rejected': 'A metal.'}, 'where an implicit one ends'),
        ({'prompt': [USER], 'chosen': 'A gas.', 'rejected': 'A metal.'}, 'need a plain "prompt"'),
        ({'prompt': 'x', 'chosen': 'A gas.', 'rejected': [BAD]}, 'both be plain text or both'),
        ({'chosen': [USER, GOOD], 'rejected': [SYSTEM, BAD]}, 'begin with different turns'),
        ({'rejected_response': 'A metal.'}, '"messages" must have the turns'),
        ({'messages': [GOOD], 'rejected_response': 'A metal.'}, '"messages" must have the turns'),
        (
            {'messages': [USER, GOOD], 'rejected_messages': [SYSTEM, BAD]},
            'differ before their last turns',
        ),
        ({'prompt': [USER], 'chosen': [GOOD, USER, GOOD], 'rejected': [BAD]}, 'field "chosen"'),
        ({'prompt': [USER], 'chosen': [USER], 'rejected': [BAD]}, "the role is 'user'"),
        ({'prompt': 'x', 'chosen': '', 'rejected': 'A metal.'}, 'chosen: the response is empty'),
        ({'messages': [USER, GOOD], 'rejected_response': ['a', 'b']}, 'rejected.0.content'),
        ({'prompt': [{**USER, 'role': 'tool'}], 'chosen': [GOOD], 'rejected': [BAD]}, 'prompt.0'),
    ],
)
def test_a_row_in_none_of_the_forms_is_refused_with_its_place(
    row: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RecordError, match=r'^pairs\.jsonl:3: ') as caught:
        pair_of(row)
    assert problem in str(caught.value)
