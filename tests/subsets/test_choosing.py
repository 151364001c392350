"""Splits checked against the test set, and written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskdpo_xtuner.subsets.asked import normalised
from maskdpo_xtuner.subsets.choosing import choose
from tests.subsets.kinds import LINE, about, subset


def test_a_tested_topic_is_found_by_its_normalised_name_and_refused() -> None:
    third = subset('topics', part='1/3')
    with pytest.raises(ValueError, match=r'1 topics are also in the test set \(Fuji-San\)'):
        choose(third, about('Fuji-San', 'tin', 'zinc'), about('ＦＵＪＩ  san'), None)
    assert normalised('C++') != normalised('C') or normalised('+') == '+'


def test_tested_topics_can_be_left_out() -> None:
    all_of_them = subset('topics', part='1/1', leaked='leave_out')
    chosen = choose(all_of_them, about('Tin', 'zinc'), about('tin'), None)
    assert list(chosen.keys) == ['zinc-0', 'zinc-1', 'zinc-2']
    assert chosen.checked() == 'left out: 1 topics that are also tested'


def test_without_a_test_set_it_is_said_that_nothing_was_checked() -> None:
    chosen = choose(subset('topics', part='1/1'), about('tin'), None, None)
    assert 'no test set is named' in chosen.describe()
    checked = choose(subset('topics', part='1/1'), about('tin'), about('iron'), None)
    assert checked.describe() == (
        'topics 1/1: 1 of 1 topics, 3 of 3 questions; none of 1 test topics is among them'
    )


def test_a_part_that_does_not_exist_or_is_empty_is_refused() -> None:
    with pytest.raises(ValueError, match='no part \'frist\'; did you mean "first"'):
        choose(subset('random_halves', part='frist'), about('tin', 'zinc'), None, None)
    with pytest.raises(ValueError, match="the part 'second' of first, second has no questions"):
        choose(subset('random_halves', part='second'), about('tin'), None, None)


def test_the_file_says_what_went_where_and_can_be_read_as_a_list(tmp_path: Path) -> None:
    near = subset('near_far', part='near', embedding=LINE)
    asked, test = about('tin', 'zinc', 'mars', 'venus'), about('iron', 'earth')
    chosen = choose(near, asked, test, None)
    chosen.write(tmp_path / 'split.json')
    said = json.loads((tmp_path / 'split.json').read_text())
    assert said['counts']['near'] == {'topics': 2, 'questions': 6}
    assert said['made_by']['subset.embedding.model'] == 'line'
    assert [each['part'] for each in said['distances']] == ['near', 'far', 'near', 'far']
    listed = subset('listed', part='near', path=tmp_path / 'split.json')
    assert choose(listed, asked, test, None).keys == chosen.keys
    with pytest.raises(ValueError, match="questions of near are not among the questions .*'tin-0'"):
        choose(listed, asked[3:], test, None)


def test_a_list_can_be_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / 'mine.json'
    file.write_text('{"parts": {"metals": {"topics": ["tin", "zinc"]}}}')
    listed = subset('listed', part='metals', path=file)
    assert len(choose(listed, about('tin', 'mars', 'zinc'), None, None).keys) == 6
    file.write_text('[]')
    with pytest.raises(ValueError, match='no file of parts'):
        choose(listed, about('tin'), None, None)
