"""Attention within sequences by one call of flash-attn, where that package is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import accumulate

import torch
from torch import Tensor
from typing_extensions import Self


@cache
def is_flash_attn_available() -> bool:
    """Tell whether flash-attn can be imported."""
    return find_spec('flash_attn') is not None


@dataclass(frozen=True)
class KeyBounds:
    """Sequences as flash-attn takes them: their queries are the end of their keys.

    That is what a shared prefix is: its keys are given to both of its sequences.

    Attributes:
        index: (keys,), where the keys of the sequences, put end to end, lie in the rows.
        query_starts: (sequences + 1,), start of the queries of each, and the end of the last.
        key_starts: (sequences + 1,), the same of the keys.
        longest_query: most queries of a sequence.
        longest_key: most keys of a sequence.
    """

    index: Tensor
    query_starts: Tensor
    key_starts: Tensor
    longest_query: int
    longest_key: int

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]], device: torch.device) -> Self:
        """Make them from sequences as `attention.SequenceMask` has them."""
        ranges = [
            torch.arange(*bounds)
            for start, end, prefix_start, prefix_end in sequences
            for bounds in ((prefix_start, prefix_end), (start, end))
        ]
        queries = [end - start for start, end, _, _ in sequences]
        keys = [end - start + stop - first for start, end, first, stop in sequences]
        return cls(
            index=torch.cat(ranges).to(device),
            query_starts=_starts(queries).to(device),
            key_starts=_starts(keys).to(device),
            longest_query=max(queries),
            longest_key=max(keys),
        )


def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bounds: KeyBounds,
    dropout: float,
    scaling: float | None,
) -> Tensor:
    """Attend within all sequences at once.

    Args:
        query: (rows, heads, length, head size).
        key: (rows, key heads, length, head size).
        value: as ``key``.
        bounds: of the sequences.
        dropout: of the attention weights.
        scaling: of the scores.

    Returns:
        (rows, length, heads, head size).
    """
    from flash_attn import flash_attn_varlen_func

    rows, _, length, _ = query.shape
    queries, keys, values = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))
    found: Tensor = flash_attn_varlen_func(
        queries,
        keys[bounds.index],
        values[bounds.index],
        cu_seqlens_q=bounds.query_starts,
        cu_seqlens_k=bounds.key_starts,
        max_seqlen_q=bounds.longest_query,
        max_seqlen_k=bounds.longest_key,
        dropout_p=dropout,
        softmax_scale=scaling,
        causal=True,
    )
    result: Tensor = found.unflatten(0, (rows, length))
    return result


def _starts(lengths: Sequence[int]) -> Tensor:
    """Start of each sequence, and the end of the last, as flash-attn wants them."""
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
