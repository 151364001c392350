"""What a model thinks, told from what it answers."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.engines.reasoning import split_reasoning


@pytest.mark.parametrize(
    ('text', 'reasoning', 'answer'),
    [
        ('Gold is a metal.', None, 'Gold is a metal.'),
        ('<think>Which?</think>\n\nGold.', 'Which?', 'Gold.'),
        ('\n<think>\nWhich?\n</think>Gold.', '\nWhich?\n', 'Gold.'),
        ('<thinking>Which?</thinking>\nGold.', 'Which?', 'Gold.'),
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
