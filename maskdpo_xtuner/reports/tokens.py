"""The token mask of a response as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdpo_xtuner.masking import LabelledResponse, render, token_mask

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


def response_tokens(tokenizer: Any, labelled: LabelledResponse) -> list[Token]:
    """Tokens of the response and of what the chat template writes after it; nothing is cut.

    Raises:
        MaskingError: as of `maskdpo_xtuner.masking.mask_batch`.
    """
    rendering = render(tokenizer, labelled.prompt, labelled.response)
    mask = token_mask(rendering, labelled.spans, labelled.weights, finished=labelled.finished)
    tokens, shown = [], rendering.response_start
    for (start, end), flag in zip(rendering.offsets, mask, strict=True):
        if end > rendering.response_start:
            tokens.append(Token(rendering.text[max(start, shown) : end] or CONTINUATION, flag))
            shown = end
    return tokens
