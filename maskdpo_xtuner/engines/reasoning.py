"""What a model thinks aloud before it answers, told from the answer."""

from __future__ import annotations

import re
from dataclasses import replace

from maskdpo_xtuner.engines.base import Completion

# The marks that chat models put around it: DeepSeek-R1, Qwen3 and those distilled from them,
# Magistral, Kimi, and models that were told to.
_MARK = r'(?:<{0}(?:think|thinking|thought|reasoning)>|\[{0}THINK\]|◁{0}think▷)'
_OPENING = re.compile(r'\s*' + _MARK.format(''))
_CLOSING = re.compile(_MARK.format('/') + r'\n*')
_OPENED = re.compile(_MARK.format('') + r'\s*\Z')

UNOPENED = (
    'thoughts that the prompt opened: one that is cut is taken for an answer (give `tokenizer`, or '
    "the server's option that separates reasoning)"
)
"""Note of an answer with thoughts that only a closing mark tells."""


def split_reasoning(text: str) -> tuple[str | None, str]:
    """Split a text into the block of thoughts at its start, if it has one, and the answer.

    A block that was cut is the whole text. One whose opening mark is part of the prompt, as chat
    templates of DeepSeek-R1 have it, ends at the first closing mark.

    Returns:
        The thoughts without their marks, None where there are none, and the text after them.
    """
    opening, closing = _OPENING.match(text), _CLOSING.search(text)
    if opening is None and closing is None:
        return None, text
    start = opening.end() if opening else 0
    if closing is None:
        return text[start:], ''
    return text[start : closing.start()], text[closing.end() :]


def opens_thought(prompt: str) -> bool:
    """Tell whether a rendered prompt ends within a thought, as DeepSeek-R1's template has it."""
    return _OPENED.search(prompt) is not None


def closes_only(text: str) -> bool:
    """Tell whether a text ends a thought that it has not begun."""
    return _OPENING.match(text) is None and _CLOSING.search(text) is not None


def within_thought(completion: Completion) -> Completion:
    """Read a completion whose prompt opened a thought: without an end, all of it is thought."""
    known = replace(completion, note=None if completion.note == UNOPENED else completion.note)
    if completion.reasoning is not None:
        return known
    reasoning, text = split_reasoning(completion.text)
    if reasoning is None:
        reasoning, text = completion.text, ''
    return replace(known, reasoning=reasoning, text=text)
