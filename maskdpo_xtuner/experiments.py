"""What a work dir records of the experiment that filled it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMPLETIONS = 'completions.sqlite'
"""The store of a folder that has one of its own."""
NOT_SAID = 'not said'
"""Stands in ``settings.json`` for the identity of what does not give one."""


def read_experiment(path: Path) -> dict[str, Any]:
    """What a ``settings.json`` says.

    Raises:
        ValueError: when it is damaged, or something else.
    """
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ValueError(
            f'{path}: no longer what a run wrote there; restore it, or move the folder away (its '
            'completions.sqlite can be named as `store` by another run)'
        )
    return values


def describe_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Write ``key: old -> new`` for every key with another value; empty when all are the same."""
    return '; '.join(
        f'{key}: {before.get(key)!r} -> {now.get(key)!r}'
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    )


def keeping_store(work_dir: Path) -> str:
    """How another work dir keeps what was paid for in this one; empty where nothing was.

    Equal requests are found there, so more samples or questions are just added.
    """
    store = work_dir / COMPLETIONS
    if not store.exists():
        return ''
    return f' with --cfg-options store={store}, which answers all that is asked again'
