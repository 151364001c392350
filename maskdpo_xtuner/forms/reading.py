"""Pairs out of rows in any of the forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdpo_xtuner.forms.swift import KEYS as SWIFT_KEYS
from maskdpo_xtuner.forms.swift import is_swift, read_swift
from maskdpo_xtuner.forms.trl import KEYS as TRL_KEYS
from maskdpo_xtuner.forms.trl import read_trl
from maskdpo_xtuner.jsonl import RecordError, parse_record
from maskdpo_xtuner.records import PreferencePair

SIDES = ('chosen', 'rejected')
OURS = ('chosen_item', 'rejected_item', 'question_id', 'topic', 'language', 'provenance')
"""What a pair has beside its texts; the other projects pass over such columns."""

READ_BY_THE_MODEL = frozenset(
    f'{prefix}{key}'
    for prefix in ('', 'rejected_')
    for key in ('images', 'videos', 'audios', 'tools', 'objects')
)
"""Keys of what a model reads beside the messages, which a pair of texts has no place for."""

EMPTY: tuple[Any, ...] = ('', [], {})


@dataclass(frozen=True)
class Reading:
    """What a row says.

    Attributes:
        value: the fields of a `PreferencePair`, not yet validated.
        left_out: the keys of the row that a pair has no place for.
    """

    value: dict[str, Any]
    left_out: tuple[str, ...]


def read_row(row: Mapping[str, Any], text_only: bool = False) -> Reading:
    """Read a row of our own form, of TRL's or of ms-swift's.

    A row that tells nothing of its sentences gets the whole of each answer as one sentence
    without a label: plain DPO trains on it, and Mask-DPO refuses it. A key without a value, as
    `datasets` fills them in, counts as absent.

    Args:
        row: the row.
        text_only: whether to refuse what the model would read beside the messages: images, tools.

    Raises:
        ValueError: for a row in none of the forms.
    """
    row = {key: value for key, value in row.items() if value is not None}
    swift = is_swift(row)
    conversation = read_swift(row) if swift else read_trl(row)
    value = {
        'prompt': conversation.prompt,
        'chosen': conversation.chosen,
        'rejected': conversation.rejected,
        **{key: row[key] for key in OURS if key in row},
    }
    if isinstance(value.get('provenance'), Mapping):
        known = {key: text for key, text in value['provenance'].items() if text is not None}
        value['provenance'] = known
    for side in SIDES:
        value.setdefault(f'{side}_item', _unlabelled(side, value[side]))
    used = {*(SWIFT_KEYS if swift else TRL_KEYS), *OURS}
    turns = [*conversation.prompt, *conversation.chosen, *conversation.rejected]
    unused = [key for key, found in row.items() if key not in used and found not in EMPTY]
    if text_only and (keys := sorted(READ_BY_THE_MODEL & set(unused))):
        raise ValueError(f'{", ".join(keys)}: a pair of texts has no place for them')
    return Reading(value, (*unused, *_unused_of(turns)))


def read_pair(
    row: Mapping[str, Any], path: Path | str, line: int, text_only: bool = False
) -> tuple[PreferencePair, Reading]:
    """Read and validate a row; see `read_row`.

    Raises:
        RecordError: naming file, line, field, what is wrong and what was found.
    """
    try:
        reading = read_row(row, text_only)
    except ValueError as error:
        raise RecordError(path, line, str(error)) from error
    return parse_record(PreferencePair, reading.value, path, line), reading


def _unlabelled(side: str, turns: Sequence[Any]) -> dict[str, Any]:
    """An item whose only sentence has no verdict, of the type that keeps it out of the loss."""
    text = turns[0].get('content') if turns and isinstance(turns[0], Mapping) else None
    if not isinstance(text, str):
        return {'sents': [], 'type': []}  # the validation says what is wrong with the answer
    kind = 'hallucination' if side == 'chosen' else 'no_hallucination'
    return {'sents': [text], 'spans': [(0, len(text))], 'labels': [None], 'type': [kind]}


def _unused_of(turns: Sequence[Any]) -> Iterator[str]:
    """Keys of messages that have a value and are not read."""
    keys = {key: None for turn in turns if isinstance(turn, Mapping) for key in turn if turn[key]}
    yield from (f'{key} of messages' for key in keys if key not in ('role', 'content'))
