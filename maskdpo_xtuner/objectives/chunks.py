"""Functions of positions, computed a few positions at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_chunks(
    function: Callable[..., tuple[Tensor, ...]], chunk_size: int, *tensors: Tensor
) -> tuple[Tensor, ...]:
    """Apply a function of rows to some rows at a time and put the results end to end.

    What the function makes in between exists for one chunk at a time: it is made again in the
    backward pass instead of being kept.

    Args:
        function: takes as many tensors as there are and returns tensors, all with the rows in
            their first dimension; no row depends on another.
        chunk_size: rows at a time; a setting of memory, not of the result.
        tensors: with the same number of rows, at least one.

    Returns:
        What the function gives for all rows.
    """
    parts = [
        checkpoint(function, *chunk, use_reentrant=False)
        for chunk in zip(*(tensor.split(chunk_size) for tensor in tensors), strict=True)
    ]
    return tuple(torch.cat(results) for results in zip(*parts, strict=True))
