"""What every form is read into: the turns before the answers, and the two answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Turn = Mapping[str, Any]


@dataclass(frozen=True)
class Conversation:
    """A conversation with two ends, not yet validated.

    Attributes:
        prompt: the turns before the answers.
        chosen: the turns of the chosen answer; a pair has one.
        rejected: those of the rejected one.
    """

    prompt: Sequence[Turn]
    chosen: Sequence[Turn]
    rejected: Sequence[Turn]


def turn(role: str, content: str) -> Turn:
    """Make a turn."""
    return {'role': role, 'content': content}


def split_at_difference(chosen: Sequence[Turn], rejected: Sequence[Turn]) -> Conversation:
    """Take for the prompt what two whole conversations begin with in common.

    Raises:
        ValueError: when they have no turn in common.
    """
    common = 0
    # The last turn is an answer, though both may be equal.
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        common += 1
    if not common:
        raise ValueError(
            'there is no prompt: "chosen" and "rejected" begin with different turns; add "prompt"'
        )
    return Conversation(chosen[:common], chosen[common:], rejected[common:])
