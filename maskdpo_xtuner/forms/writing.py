"""Pairs into the forms of others, with what is ours in columns of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from maskdpo_xtuner.forms.reading import OURS
from maskdpo_xtuner.forms.swift import write_swift
from maskdpo_xtuner.forms.trl import write_plain, write_trl
from maskdpo_xtuner.jsonl import write_lines
from maskdpo_xtuner.records import PreferencePair

Form = Literal['ours', 'trl', 'trl_plain', 'swift']
FORMS: tuple[Form, ...] = get_args(Form)

_WRITERS: dict[Form, Callable[[PreferencePair], dict[str, Any]]] = {
    'trl': write_trl,
    'trl_plain': write_plain,
    'swift': write_swift,
}


def write_pairs(path: Path | str, pairs: Iterable[PreferencePair], form: Form) -> int:
    """Write pairs as JSON lines, atomically; returns how many.

    Raises:
        ValueError: naming the number of the pair that the form cannot carry.
    """
    return write_lines(path, _lines(pairs, form))


def _lines(pairs: Iterable[PreferencePair], form: Form) -> Iterator[str]:
    for number, pair in enumerate(pairs, start=1):
        if form == 'ours':
            yield pair.model_dump_json()
            continue
        try:
            row = _WRITERS[form](pair)
        except ValueError as error:
            raise ValueError(f'pair {number} cannot be written as {form}: {error}') from error
        ours = pair.model_dump(mode='json', include=set(OURS), exclude_none=True)
        yield json.dumps({**row, **ours}, ensure_ascii=False)
