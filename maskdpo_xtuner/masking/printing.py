"""A mask for the eyes of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from maskdpo_xtuner.masking.conversion import MaskedPair
from maskdpo_xtuner.masking.masks import MaskedResponse
from maskdpo_xtuner.masking.pairs import SIDES, Side

DIM, RESET = '\x1b[2m', '\x1b[0m'
SUPERVISED_COLOR: dict[Side, str] = {'chosen': '\x1b[32m', 'rejected': '\x1b[31m'}
VISIBLE = str.maketrans({' ': '·', '\t': '→', '\n': '⏎\n'})
VISIBLE_ASCII = str.maketrans({' ': '_', '\t': '\\t', '\n': '\\n\n'})
BRACKETS, BRACKETS_ASCII = ('⟦', '⟧'), ('[[', ']]')

# Control characters but tab and line feed, line separators, what turns the direction of the text,
# and halves of surrogate pairs, which cannot be written.
_STEERING = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
)


@dataclass(frozen=True)
class Look:
    """How a mask is written.

    Attributes:
        color: with ANSI colours: the prompt dim, supervised tokens green in the chosen and red in
            the rejected response. Without, supervised runs stand in ``⟦ ⟧``.
        ascii_only: marks are written in ASCII, for a terminal that shows nothing else.
        borders: a ``|`` after each token.
    """

    color: bool = True
    ascii_only: bool = False
    borders: bool = False


def format_pair(
    tokenizer: Any, pair: MaskedPair, look: Look, sides: Iterable[Side] = SIDES
) -> Iterator[str]:
    """Write the sides of a pair, each under a line that says how many tokens are supervised."""
    for side in sides:
        masked: MaskedResponse = getattr(pair, side)
        yield f'--- {side}: {_count(masked)}'
        yield format_mask(tokenizer, masked, side, look)


def _count(masked: MaskedResponse) -> str:
    weights = [weight for weight in masked.weights if weight]
    text = f'{len(weights)} of {len(masked.ids)} tokens supervised'
    if set(weights) - {1.0}:
        text += f', weights {min(weights):g} to {max(weights):g}'
    return text


def format_mask(
    tokenizer: Any, masked: MaskedResponse, side: Side = 'chosen', look: Look | None = None
) -> str:
    """Write tokens with their mask.

    Args:
        tokenizer: a transformers tokenizer.
        masked: the tokens.
        side: decides on the colour.
        look: how; in colour if not given.

    Returns:
        The decoded text; white space of supervised tokens is made visible, and what would steer a
        terminal is escaped.
    """
    look = look or Look()
    styles = ['supervised' if flag else 'plain' for flag in masked.mask]
    prompt = min(masked.prompt_length, len(styles))
    styles[:prompt] = ['prompt'] * prompt
    styled = zip(styles, token_texts(tokenizer, masked.ids), strict=True)
    parts = []
    for style, run in groupby(styled, key=lambda pair: pair[0]):
        texts = [harmless(text) for _, text in run]
        if style == 'supervised':
            visible = VISIBLE_ASCII if look.ascii_only else VISIBLE
            texts = [text.translate(visible) for text in texts]
        text = '|'.join([*texts, '']) if look.borders else ''.join(texts)
        parts.append(_paint(text, style, side, look))
    return ''.join(parts)


def _paint(text: str, style: str, side: Side, look: Look) -> str:
    if not look.color:
        begin, end = BRACKETS_ASCII if look.ascii_only else BRACKETS
        return f'{begin}{text}{end}' if style == 'supervised' else text
    if style == 'plain':
        return text
    return f'{DIM if style == "prompt" else SUPERVISED_COLOR[side]}{text}{RESET}'


def harmless(text: str) -> str:
    """Escape what would steer a terminal or turn the direction of its text."""
    return _STEERING.sub(lambda found: found[0].encode('unicode_escape').decode(), text)


def token_texts(tokenizer: Any, ids: Sequence[int], start: int = 0) -> list[str]:
    """Give the text that each token from ``start`` on adds.

    A character in several tokens comes with its last one, and the others are empty. A token is
    decoded after the whole one before it: alone it may lose its leading blank.
    """

    def decode(begin: int, end: int) -> str:
        text: str = tokenizer.decode(ids[begin:end], clean_up_tokenization_spaces=False)
        return text

    texts = []
    context, begin = max(start - 1, 0), start
    for end in range(start + 1, len(ids) + 1):
        text = decode(context, end)
        # Byte pieces of a character decode to a replacement character until the last one comes.
        if text.endswith('\ufffd') and end < len(ids):
            texts.append('')
            continue
        texts.append(text[len(decode(context, begin)) :])
        context, begin = begin, end
    return texts
