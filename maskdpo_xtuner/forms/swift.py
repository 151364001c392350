"""ms-swift's preference data: ``messages`` with the chosen answer, and the rejected one beside it.

Source: ms-swift's documentation, "Custom Dataset", RLHF: ``rejected_response`` is the text,
``rejected_messages`` (since 3.8) the whole other conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maskdpo_xtuner.forms.turns import Conversation, turn
from maskdpo_xtuner.records import PreferencePair

REJECTED = ('rejected_response', 'rejected_messages')
KEYS = ('messages', *REJECTED)


def is_swift(row: Mapping[str, Any]) -> bool:
    """Say whether a row has a rejected answer as ms-swift names it."""
    return any(row.get(key) is not None for key in REJECTED)


def read_swift(row: Mapping[str, Any]) -> Conversation:
    """Read a row of ms-swift's.

    Raises:
        ValueError: when there are no messages, or the conversations differ before their answers.
    """
    messages = row.get('messages')
    if not isinstance(messages, list | tuple) or len(messages) < 2:
        raise ValueError('"messages" must have the turns of the prompt and the chosen answer')
    whole = row.get('rejected_messages')
    if whole is None:
        return Conversation(
            messages[:-1], messages[-1:], [turn('assistant', row['rejected_response'])]
        )
    if list(whole[:-1]) != list(messages[:-1]):
        raise ValueError('"messages" and "rejected_messages" differ before their last turns')
    return Conversation(messages[:-1], messages[-1:], whole[-1:])


def write_swift(pair: PreferencePair) -> dict[str, Any]:
    """Write a pair with the text of the rejected answer."""
    messages = [message.model_dump() for message in (*pair.prompt, *pair.chosen)]
    return {'messages': messages, 'rejected_response': pair.rejected[0].content}
