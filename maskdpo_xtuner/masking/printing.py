"""A mask for the eyes of a person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from maskdpo_xtuner.masking.pairs import Side

DIM, RESET = '\x1b[2m', '\x1b[0m'
SUPERVISED_COLOR: dict[Side, str] = {'chosen': '\x1b[32m', 'rejected': '\x1b[31m'}
VISIBLE = str.maketrans({' ': '·', '\t': '→', '\n': '⏎\n'})


def format_mask(
    tokenizer: Any,
    ids: Sequence[int],
    mask: Sequence[bool],
    color: bool = True,
    side: Side = 'chosen',
    prompt_length: int = 0,
    borders: bool = False,
) -> str:
    """Write tokens with their mask: the prompt dim, supervised ones green or red by side.

    Args:
        tokenizer: a transformers tokenizer.
        ids: (length,) token ids.
        mask: (length,) True where supervised.
        color: with ANSI colours; without, supervised runs stand in ``⟦ ⟧``.
        side: ``chosen`` is green, ``rejected`` red.
        prompt_length: how many tokens at the front to dim.
        borders: a ``|`` after each token.

    Returns:
        The decoded text; white space of supervised tokens is made visible.
    """
    styles = ['supervised' if flag else 'plain' for flag in mask]
    styles[:prompt_length] = ['prompt'] * min(prompt_length, len(styles))
    styled = zip(styles, _token_texts(tokenizer, ids), strict=True)
    parts = []
    for style, run in groupby(styled, key=lambda pair: pair[0]):
        texts = [text for _, text in run]
        if style == 'supervised':
            texts = [text.translate(VISIBLE) for text in texts]
        text = '|'.join([*texts, '']) if borders else ''.join(texts)
        parts.append(_paint(text, style, side, color))
    return ''.join(parts)


def _paint(text: str, style: str, side: Side, color: bool) -> str:
    if not color:
        return f'⟦{text}⟧' if style == 'supervised' else text
    if style == 'plain':
        return text
    return f'{DIM if style == "prompt" else SUPERVISED_COLOR[side]}{text}{RESET}'


def _token_texts(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """The text that each token adds; a character in several tokens comes with its last one.

    A token is decoded after the whole one before it: alone it may lose its leading blank.
    """

    def decode(begin: int, end: int) -> str:
        text: str = tokenizer.decode(ids[begin:end], clean_up_tokenization_spaces=False)
        return text

    texts = []
    context, begin = 0, 0
    for end in range(1, len(ids) + 1):
        text = decode(context, end)
        # Byte pieces of a character decode to a replacement character until the last one comes.
        if text.endswith('\ufffd') and end < len(ids):
            texts.append('')
            continue
        texts.append(text[len(decode(context, begin)) :])
        context, begin = begin, end
    return texts
