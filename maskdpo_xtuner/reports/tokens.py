"""The token mask of a response as a page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdpo_xtuner.masking import render, token_mask
from maskdpo_xtuner.records import Message

CONTINUATION = '·'
"""Stands for a token that only holds further bytes of the character before it."""


@dataclass(frozen=True)
class Token:
    """The characters of one token and whether it counts in the loss."""

    text: str
    supervised: bool


def load_tokenizer(folder: Path | str) -> Any:
    """Load a fast tokenizer from a local folder.

    Raises:
        ValueError: when the folder does not exist or holds no tokenizer.
    """
    if not (Path(folder) / 'tokenizer_config.json').is_file():
        raise ValueError(
            f'{folder}: there is no tokenizer_config.json; name a folder with a tokenizer'
        )
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def response_tokens(
    tokenizer: Any,
    prompt: Sequence[Message],
    response: str,
    spans: Sequence[tuple[int, int]],
    weights: Sequence[float],
    finished: bool = True,
) -> list[Token]:
    """Tokens of the response and of what the chat template writes after it.

    Arguments and errors as of `maskdpo_xtuner.masking.mask_response`; nothing is cut.
    """
    rendering = render(tokenizer, [message.model_dump() for message in prompt], response)
    mask = token_mask(rendering, spans, weights, finished=finished)
    tokens, shown = [], rendering.response_start
    for (start, end), flag in zip(rendering.offsets, mask, strict=True):
        if end > rendering.response_start:
            tokens.append(Token(rendering.text[max(start, shown) : end] or CONTINUATION, flag))
            shown = end
    return tokens
