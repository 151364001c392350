from __future__ import annotations

import pytest

from maskdpo_xtuner.pairing import (
    DropReason,
    PairRules,
    chose_refusal,
    chose_unsupported,
    make_pairs,
)
from maskdpo_xtuner.records import PreferencePair
from tests.pairing.responses import QUESTION, response


def pair(marks: str, text: str | None = None) -> PreferencePair:
    made = make_pairs(QUESTION, [response(0, marks, text=text), response(1, '-')], PairRules())
    assert not isinstance(made, DropReason)
    return made[0]


@pytest.mark.parametrize(
    ('marks', 'unsupported'), [('+', False), ('0', True), ('0-', True), ('0+-?', False)]
)
def test_a_chosen_answer_may_hold_nothing_that_is_supported(marks: str, unsupported: bool) -> None:
    assert chose_unsupported(pair(marks)) == unsupported


def test_of_a_file_without_labels_nothing_is_said() -> None:
    made = pair('0')
    item = made.chosen_item.model_copy(update={'labels': None})
    assert not chose_unsupported(made.model_copy(update={'chosen_item': item}))


def test_a_refusal_is_told_in_the_language_of_the_pair() -> None:
    assert chose_refusal(pair('0', text='I do not know.'))
    assert not chose_refusal(pair('0', text='Tin is a metal.'))
    chinese = pair('0', text='我不知道。')
    assert not chose_refusal(chinese)
    assert chose_refusal(chinese.model_copy(update={'language': 'zh'}))
