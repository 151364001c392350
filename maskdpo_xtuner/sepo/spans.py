"""From scored tokens of one tokenizer to character spans that any tokenizer can be masked by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.masking import Rendering, Side

Span = tuple[int, int]


@dataclass(frozen=True)
class ScoredToken:
    """A token of a response.

    Attributes:
        start: its first character in the response.
        end: one past its last character in the response.
        score: log pi_oracle - log pi_reference of the token: its share in the oracle's implicit
            reward (SePO, Yang et al. 2024, arXiv 2408.13518).
    """

    start: int
    end: int
    score: float


def scored_tokens(rendering: Rendering, scores: Sequence[float]) -> list[ScoredToken]:
    """The tokens of a rendering that hold characters of the response, but for blank ones.

    Blanks are left out because they can not be carried over: in a mask they belong to the word
    before or after them, whatever the tokenizer.

    Args:
        rendering: a conversation.
        scores: (length,) one for each of its tokens.
    """
    tokens = []
    for (start, end), score in zip(rendering.offsets, scores, strict=True):
        start, end = max(start, rendering.response_start), min(end, rendering.response_end)
        if rendering.text[start:end].strip():
            tokens.append(ScoredToken(start - rendering.shift, end - rendering.shift, score))
    return tokens


def select_spans(tokens: Sequence[ScoredToken], side: Side, share: float) -> list[Span]:
    """Find the characters of the ``share`` of tokens that decide most: SePO's key tokens.

    Of the chosen response these are the tokens with the highest scores, of the rejected one those
    with the lowest; of equal scores the first. Their number is rounded up.

    Args:
        tokens: those of one response.
        side: which side of the pair it is.
        share: of the tokens to keep, in (0, 1].

    Returns:
        Spans in order, without overlap; neighbours are one span.
    """
    sign = -1 if side == 'chosen' else 1
    ranked = sorted(tokens, key=lambda token: sign * token.score)
    kept = ranked[: math.ceil(share * len(ranked))]
    return merge_spans((token.start, token.end) for token in kept)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """The union of spans; tokens that share the bytes of one character overlap."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
