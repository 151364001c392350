"""TRL's preference data: ``prompt``, ``chosen``, ``rejected``, as conversations or as plain text.

Source: TRL's documentation, "Dataset formats and types". Our own form is the conversational one
with more columns, which TRL does not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maskdpo_xtuner.forms.turns import Conversation, split_at_difference, turn
from maskdpo_xtuner.records import PreferencePair

KEYS = ('prompt', 'chosen', 'rejected')


def read_trl(row: Mapping[str, Any]) -> Conversation:
    """Read a row of TRL's.

    The prompt of conversations may be implicit: the turns that both begin with. A prompt of plain
    text is read as one turn of the user, an answer as one of the assistant.

    Raises:
        ValueError: for a row that is neither, with what is missing.
    """
    for key in ('chosen', 'rejected'):
        if key not in row:
            raise ValueError(f'field "{key}" is missing; add it')
    prompt, chosen, rejected = (row.get(key) for key in KEYS)
    if isinstance(chosen, str) and isinstance(rejected, str):
        if not isinstance(prompt, str):
            raise ValueError(
                'plain answers need a plain "prompt": nothing shows where an implicit one ends'
            )
        return Conversation(
            [turn('user', prompt)], [turn('assistant', chosen)], [turn('assistant', rejected)]
        )
    if not isinstance(chosen, list | tuple) or not isinstance(rejected, list | tuple):
        raise ValueError('"chosen" and "rejected" must both be plain text or both lists of turns')
    if isinstance(prompt, list | tuple):
        return Conversation(prompt, chosen, rejected)
    if isinstance(prompt, str) and len(chosen) == len(rejected) == 1:
        return Conversation([turn('user', prompt)], chosen, rejected)
    return split_at_difference(chosen, rejected)


def write_trl(pair: PreferencePair) -> dict[str, Any]:
    """Write a pair as conversations."""
    return pair.model_dump(mode='json', include=set(KEYS))


def write_plain(pair: PreferencePair) -> dict[str, Any]:
    """Write a pair as plain text, which has no roles.

    Raises:
        ValueError: for a prompt that is more than one turn of the user.
    """
    if [message.role for message in pair.prompt] != ['user']:
        raise ValueError('plain text has no place for several turns or a system text; use "trl"')
    return {key: getattr(pair, key)[0].content for key in KEYS}
