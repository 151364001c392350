"""The tokens of a response as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maskdpo_xtuner.masking import MaskedResponse, token_texts

CONTINUATION = '·'
"""Stands for a token that only holds bytes of the character that the next one completes."""


@dataclass(frozen=True)
class Token:
    """The characters of one token and whether it counts in the loss."""

    text: str
    supervised: bool


def response_tokens(tokenizer: Any, masked: MaskedResponse) -> list[Token]:
    """Tokens of the response and of what the chat template writes after it."""
    start = masked.prompt_length
    texts = token_texts(tokenizer, masked.ids, start)
    return [
        Token(text or CONTINUATION, supervised)
        for text, supervised in zip(texts, masked.mask[start:], strict=True)
    ]
