"""What is a list of facts, and what a verdict; the rest cannot be read."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.annotators.factscore.reading import read_facts, read_verdict


@pytest.mark.parametrize(
    ('text', 'facts'),
    [
        ('- Tin is a metal.\n- Tin melts at 505 K.', ('Tin is a metal.', 'Tin melts at 505 K.')),
        ('Facts:\n\n * Tin is a metal.  \n', ('Tin is a metal.',)),
        ('1. Tin is a metal.\n2) It melts.', ('Tin is a metal.', 'It melts.')),
        ('<think>\n- Is it tin?\n</think>\n- Tin is a metal.', ('Tin is a metal.',)),
        # FActScore's release cuts this one in two.
        ('- The war (1914 - 1918) was long.', ('The war (1914 - 1918) was long.',)),
        ('- Tin is a metal.\n- Tin is a metal.', ('Tin is a metal.',)),
        ('- It fell by 3.\n1914 - 1918 was a war.', ('It fell by 3.',)),
        ('NO FACTS', ()),
        ('- NO FACTS.', ()),
        ('**NO FACTS**', ()),
    ],
)
def test_a_line_behind_a_dash_is_a_fact(text: str, facts: tuple[str, ...]) -> None:
    assert read_facts(text) == facts


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'no list of facts'),
        ('The sentence says that tin is a metal.', 'no list of facts'),
        ('I see no facts here.', 'no list of facts'),
        ('-Tin', 'no list of facts'),
        ('- Tin is a metal.\nNO FACTS', 'both facts and NO FACTS'),
    ],
)
def test_what_is_no_list_of_facts_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswer, match=reason):
        read_facts(text)


@pytest.mark.parametrize(
    ('text', 'supported'),
    [
        ('True', True),
        (' false.', False),
        ('**True**', True),
        ('It may look False. The text says so: True', True),
        ('True or False? False', False),
        ('The text does not say so. False', False),
        ('It is not.\nTrue', True),
        ('<think>False?</think>True<|im_end|>\n<|im_start|>user\nFalse', True),
    ],
)
def test_the_last_verdict_counts(text: str, supported: bool) -> None:
    assert read_verdict(text) is supported


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('', 'neither True nor False'),
        ('It is supported.', 'neither True nor False'),
        ('True or False?', 'neither True nor False'),
        ('Untrue', 'neither True nor False'),
        ('The claim is not true.', 'a verdict that is negated'),
        ("It isn't entirely true", 'a verdict that is negated'),
        ('It is neither true', 'a verdict that is negated'),
        ('It cannot be called true', 'a verdict that is negated'),
        ('True would be wrong', 'a verdict that is negated'),
        ('True does not apply.', 'a verdict that is negated'),
        ('<think>It is true that', 'neither True nor False'),
    ],
)
def test_what_is_no_verdict_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswer, match=reason):
        read_verdict(text)
