"""What a model thinks, told from what it answers."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.engines.answers import judge_text
from maskdpo_xtuner.engines.base import Completion
from maskdpo_xtuner.engines.reasoning import (
    UNOPENED,
    opens_thought,
    split_reasoning,
    within_thought,
)


@pytest.mark.parametrize(
    ('text', 'reasoning', 'answer'),
    [
        ('Gold is a metal.', None, 'Gold is a metal.'),
        ('<think>Which?</think>\n\nGold.', 'Which?', 'Gold.'),
        ('\n<think>\nWhich?\n</think>Gold.', '\nWhich?\n', 'Gold.'),
        ('<thinking>Which?</thinking>\nGold.', 'Which?', 'Gold.'),
        ('<thought>Which?</thought>\nGold.', 'Which?', 'Gold.'),
        ('[THINK]Which?[/THINK]Gold.', 'Which?', 'Gold.'),
        ('◁think▷Which?◁/think▷Gold.', 'Which?', 'Gold.'),
        ('<think></think>\n\nGold.', '', 'Gold.'),
        # The template wrote the opening mark.
        ('Which?\n</think>\n\nGold.', 'Which?\n', 'Gold.'),
        # Cut before the answer began.
        ('<think>Which metal is it that', 'Which metal is it that', ''),
        ('One may <think> so.', None, 'One may <think> so.'),
        ('', None, ''),
    ],
)
def test_the_block_of_thoughts_at_the_start_is_split_off(
    text: str, reasoning: str | None, answer: str
) -> None:
    assert split_reasoning(text) == (reasoning, answer)


@pytest.mark.parametrize(
    ('prompt', 'opens'),
    [
        ('<|Assistant|><think>\n', True),
        ('<|Assistant|><think>', True),
        ('<|im_start|>assistant\n<think>\n\n</think>\n\n', False),
        ('<|im_start|>assistant\n', False),
        ('What does <think> mean?<|Assistant|>', False),
    ],
)
def test_a_prompt_may_end_within_a_thought(prompt: str, opens: bool) -> None:
    assert opens_thought(prompt) is opens


@pytest.mark.parametrize(
    ('written', 'reasoning', 'text'),
    [
        ('Which?\n</think>\n\nGold.', 'Which?\n', 'Gold.'),
        # Cut within the thought: none of it is an answer.
        ('Which metal is it that', 'Which metal is it that', ''),
        ('<think>\nWhich?</think>Gold.', '\nWhich?', 'Gold.'),
        ('', '', ''),
    ],
)
def test_what_follows_an_open_thought_is_thought_up_to_its_end(
    written: str, reasoning: str, text: str
) -> None:
    found = judge_text(written, 'length', 3, 2)
    assert isinstance(found, Completion)
    settled = within_thought(found)
    assert (settled.reasoning, settled.text, settled.note) == (reasoning, text, None)


def test_thoughts_that_only_their_end_tells_are_noted() -> None:
    found = judge_text('Which?\n</think>\n\nGold.', 'stop', 3, 2)
    assert isinstance(found, Completion)
    assert (found.text, found.note) == ('Gold.', UNOPENED)
    plain = judge_text('<think>Which?</think>Gold.', 'stop', 3, 2)
    assert isinstance(plain, Completion)
    assert plain.note is None


def test_the_mark_in_an_answer_whose_thoughts_came_apart_is_left_in_it() -> None:
    found = judge_text('The mark is </think> there.', 'stop', 3, 2, reasoning='Hm.')
    assert isinstance(found, Completion)
    assert (found.reasoning, found.text) == ('Hm.', 'The mark is </think> there.')
