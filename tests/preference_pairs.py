"""Preference pairs for tests, in the format of the released trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

WritePairs = Callable[[list[dict[str, Any]]], Path]

CORRECT = 'Neon was found in 1898.'
WRONG = 'It is a metal.'


def released_pair(
    chosen: tuple[str, ...] = (CORRECT, WRONG),
    rejected: tuple[str, ...] = (WRONG, CORRECT),
    question: str = 'What is neon?',
    **changes: Any,
) -> dict[str, Any]:
    """A pair of answers whose sentences are correct but for `WRONG`; ``changes`` replace keys."""
    return {
        'prompt': [{'role': 'user', 'content': question}],
        'chosen': [{'role': 'assistant', 'content': ' '.join(chosen)}],
        'chosen_item': _item(chosen),
        'rejected': [{'role': 'assistant', 'content': ' '.join(rejected)}],
        'rejected_item': _item(rejected),
        **changes,
    }


def _item(sentences: tuple[str, ...]) -> dict[str, Any]:
    types = ['hallucination' if text == WRONG else 'no_hallucination' for text in sentences]
    return {'sents': list(sentences), 'type': types}
