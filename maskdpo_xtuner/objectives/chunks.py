"""Functions of positions, computed a few positions at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_chunks(
    function: Callable[..., tuple[Tensor, ...]], chunk_size: int, *tensors: Tensor
) -> tuple[Tensor, ...]:
    """Apply a function of rows to some rows at a time and put the results end to end.

    What the function makes in between exists for one chunk at a time: it is made again in the
    backward pass instead of being kept. Only the last chunk keeps it, with which the backward pass
    begins: nothing is made twice where all rows fit one chunk.

    Args:
        function: takes as many tensors as there are and returns tensors, all with the rows in
            their first dimension; no row depends on another.
        chunk_size: most rows at a time; a setting of memory, not of the result.
        tensors: with the same number of rows, at least one.

    Returns:
        What the function gives for all rows.
    """
    number = math.ceil(len(tensors[0]) / chunk_size)
    *chunks, last = zip(*(tensor.tensor_split(number) for tensor in tensors), strict=True)
    parts = [checkpoint(function, *chunk, use_reentrant=False) for chunk in chunks]
    parts.append(function(*last))
    return tuple(torch.cat(results) for results in zip(*parts, strict=True))
