"""Attention within sequences by one call of a flash kernel: flash-attn's, or that of torch.

torch has carried FlashAttention-2 for sequences of any lengths since 2.1 and calls it for nested
tensors only; its operator is private, with the same signature in torch 2.8 and 2.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import accumulate

import torch
from torch import Tensor
from typing_extensions import Self

LARGEST_HEAD = 256
"""Head size up to which FlashAttention-2 has kernels, those of torch for multiples of 8."""


@cache
def _is_flash_attn_installed() -> bool:
    return find_spec('flash_attn') is not None


@cache
def _torch_has_kernel(device: torch.device) -> bool:
    """Tell whether torch was built with its kernel, and the chip (Ampere or newer) can run it."""
    built = torch.backends.cuda.is_flash_attention_available() and torch.version.hip is None
    return built and torch.cuda.get_device_capability(device) >= (8, 0)


def can_flash(query: Tensor, value: Tensor) -> bool:
    """Tell whether `flash_attention` takes states of this device, precision and head sizes."""
    if not query.is_cuda or query.dtype not in (torch.bfloat16, torch.float16):
        return False
    size = query.shape[-1]
    if value.shape[-1] != size:  # as in DeepSeek's latent attention
        return False
    fits = size <= LARGEST_HEAD and size % 8 == 0
    return _is_flash_attn_installed() or (fits and _torch_has_kernel(query.device))


@dataclass(frozen=True)
class KeyBounds:
    """Sequences as flash-attn takes them: their queries are the end of their keys.

    That is what a shared prefix is: its keys are given to both of its sequences, and a window
    reaches into it.

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
    window: int | None = None,
) -> Tensor:
    """Attend within all sequences at once, where `can_flash` says so.

    Args:
        query: (rows, heads, length, head size).
        key: (rows, key heads, length, head size).
        value: as ``key``.
        bounds: of the sequences.
        dropout: of the attention weights.
        scaling: of the scores.
        window: how many tokens a token sees at most, itself included.

    Returns:
        (rows, length, heads, head size).
    """
    rows, _, length, _ = query.shape
    queries, keys, values = (states.transpose(1, 2).flatten(0, 1) for states in (query, key, value))
    states = queries, keys[bounds.index], values[bounds.index]
    kernel = _by_flash_attn if _is_flash_attn_installed() else _by_torch
    found = kernel(states, bounds, dropout, scaling, window)
    result: Tensor = found.unflatten(0, (rows, length))
    return result


def _by_flash_attn(
    states: Sequence[Tensor],
    bounds: KeyBounds,
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    from flash_attn import flash_attn_varlen_func

    found: Tensor = flash_attn_varlen_func(
        *states,
        cu_seqlens_q=bounds.query_starts,
        cu_seqlens_k=bounds.key_starts,
        max_seqlen_q=bounds.longest_query,
        max_seqlen_k=bounds.longest_key,
        dropout_p=dropout,
        softmax_scale=scaling,
        causal=True,
        window_size=(-1, -1) if window is None else (window - 1, 0),
    )
    return found


def _by_torch(
    states: Sequence[Tensor],
    bounds: KeyBounds,
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> Tensor:
    found: Tensor = torch.ops.aten._flash_attention_forward(
        *states,
        bounds.query_starts,
        bounds.key_starts,
        bounds.longest_query,
        bounds.longest_key,
        dropout,
        True,  # causal, aligned at the end as in flash-attn
        False,  # no matrix of dropout
        scale=scaling,
        window_size_left=None if window is None else window - 1,
        window_size_right=None if window is None else 0,
    )[0]
    return found


def _starts(lengths: Sequence[int]) -> Tensor:
    """Start of each sequence, and the end of the last, as flash-attn wants them."""
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
