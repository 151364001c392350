"""Attention within sequences by one call of flash-attn, where that package is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate

import torch
from torch import Tensor


def is_flash_attn_available() -> bool:
    """Whether flash-attn can be imported."""
    return find_spec('flash_attn') is not None


def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    sequences: Sequence[Sequence[int]],
    dropout: float,
    scaling: float | None,
) -> Tensor:
    """Attention of all sequences at once.

    flash-attn takes sequences whose queries are the end of their keys, which is what a shared
    prefix is: the keys of the prefix are given to both of its sequences.

    Args:
        query: (rows, heads, length, head size).
        key: (rows, key heads, length, head size).
        value: as ``key``.
        sequences: as `attention.SequenceMask` has them.
        dropout: of the attention weights.
        scaling: of the scores.

    Returns:
        (rows, length, heads, head size).
    """
    from flash_attn import flash_attn_varlen_func

    rows, _, length, _ = query.shape
    queries, keys, values = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))
    index = _key_index(sequences).to(query.device)
    query_lengths = [end - start for start, end, _, _ in sequences]
    key_lengths = [end - start + stop - first for start, end, first, stop in sequences]
    found: Tensor = flash_attn_varlen_func(
        queries,
        keys[index],
        values[index],
        cu_seqlens_q=_boundaries(query_lengths).to(query.device),
        cu_seqlens_k=_boundaries(key_lengths).to(query.device),
        max_seqlen_q=max(query_lengths),
        max_seqlen_k=max(key_lengths),
        dropout_p=dropout,
        softmax_scale=scaling,
        causal=True,
    )
    result: Tensor = found.unflatten(0, (rows, length))
    return result


def _key_index(sequences: Sequence[Sequence[int]]) -> Tensor:
    """Where the keys of the sequences, put end to end, lie in the rows."""
    return torch.cat(
        [
            torch.arange(*bounds)
            for start, end, prefix_start, prefix_end in sequences
            for bounds in ((prefix_start, prefix_end), (start, end))
        ]
    )


def _boundaries(lengths: Sequence[int]) -> Tensor:
    """Start of each sequence, and the end of the last, as flash-attn wants them."""
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
