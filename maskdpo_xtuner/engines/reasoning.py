"""What a model thinks aloud before it answers, told from the answer."""

from __future__ import annotations

import re

# The marks that chat models put around it: DeepSeek-R1, Qwen3 and those distilled from them.
_OPENING = re.compile(r'\s*<think(?:ing)?>')
_CLOSING = re.compile(r'</think(?:ing)?>\n*')


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
