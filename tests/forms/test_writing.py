"""Pairs to the forms of others and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.forms import FORMS, Form, read_pairs, write_pairs
from maskdpo_xtuner.records import Message, PreferencePair
from tests.evaluation.answers import answer
from tests.preference_pairs import released_pair
from tests.reports.pair_records import pair

LABELLED = pair(answer('tin', 0, '+u.'), answer('tin', 1, 'c+'))
RELEASED = PreferencePair.model_validate(released_pair())
WEIGHTED = PreferencePair.model_validate(
    released_pair(chosen_item={'sents': ['Neon'], 'spans': [(0, 4)], 'weights': [0.5]})
)
PAIRS = [LABELLED, RELEASED, WEIGHTED]
TURNS = (Message(role='system', content='Be brief.'), *LABELLED.prompt)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]


@pytest.mark.parametrize('form', FORMS)
def test_what_is_written_and_read_again_is_the_same_to_the_byte(tmp_path: Path, form: Form) -> None:
    first, there, back = (tmp_path / f'{name}.jsonl' for name in 'abc')
    assert write_pairs(first, PAIRS, 'ours') == 3
    write_pairs(there, read_pairs(str(first)), form)
    write_pairs(back, read_pairs(str(there)), 'ours')
    assert list(read_pairs(str(there))) == PAIRS
    assert back.read_bytes() == first.read_bytes()


def test_others_find_what_they_look_for_and_ours_beside_it(tmp_path: Path) -> None:
    path = tmp_path / 'pairs.jsonl'
    question = LABELLED.prompt[0].content
    chosen, rejected = (side[0].content for side in (LABELLED.chosen, LABELLED.rejected))
    user = {'role': 'user', 'content': question}
    expected: dict[Form, dict[str, Any]] = {
        'trl': {
            'prompt': [user],
            'chosen': [{'role': 'assistant', 'content': chosen}],
            'rejected': [{'role': 'assistant', 'content': rejected}],
        },
        'trl_plain': {'prompt': question, 'chosen': chosen, 'rejected': rejected},
        'swift': {
            'messages': [user, {'role': 'assistant', 'content': chosen}],
            'rejected_response': rejected,
        },
    }
    for form, fields in expected.items():
        write_pairs(path, [LABELLED], form)
        (row,) = rows(path)
        assert {key: row.pop(key) for key in fields} == fields
        assert row['chosen_item']['labels'] == ['no_hallucination', 'unverifiable', 'no_facts']
        assert set(row) == {
            *('chosen_item', 'rejected_item', 'question_id', 'topic', 'language', 'provenance')
        }


@pytest.mark.parametrize('form', ['trl', 'swift'])
def test_a_system_text_goes_along(tmp_path: Path, form: Form) -> None:
    path = tmp_path / 'pairs.jsonl'
    with_system = LABELLED.model_copy(update={'prompt': TURNS})
    write_pairs(path, [with_system], form)
    assert list(read_pairs(str(path))) == [with_system]


def test_plain_text_refuses_what_it_cannot_carry_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / 'pairs.jsonl'
    with pytest.raises(ValueError, match='pair 2 cannot be written as trl_plain: plain'):
        write_pairs(path, [LABELLED, LABELLED.model_copy(update={'prompt': TURNS})], 'trl_plain')
    assert not list(tmp_path.iterdir())
