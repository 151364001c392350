"""Log-probabilities of supervised tokens, and their sums.

Only supervised tokens appear here: those where m of the paper is 1. The tokens of all responses lie
end to end in tensors of (tokens,), and ``counts``, (responses,), says how many each response has.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from maskdpo_xtuner.objectives.chunks import in_chunks

Head = Callable[[Tensor], Tensor]


def token_logps(logits: Tensor, targets: Tensor) -> Tensor:
    """Log-probability of each target, in fp32 at least whatever the logits' dtype.

    Args:
        logits: (tokens, vocab), the distribution over the token that the target is.
        targets: (tokens,), token ids.

    Returns:
        (tokens,).
    """
    # bf16 sums are the trap: between -256 and -512 their spacing is 2.
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return -F.cross_entropy(precise, targets, reduction='none')


def chunked_token_logps(hidden: Tensor, head: Head, targets: Tensor, chunk_size: int) -> Tensor:
    """`token_logps` from the last hidden states; logits exist for one chunk of tokens at a time.

    Args:
        hidden: (tokens, hidden size).
        head: gives logits, (tokens, vocab), of hidden states.
        targets: (tokens,), token ids.
        chunk_size: tokens at a time; a setting of memory, not of the result.

    Returns:
        (tokens,).
    """
    (logps,) = in_chunks(
        lambda states, ids: (token_logps(head(states), ids),), chunk_size, hidden, targets
    )
    return logps


def response_sums(terms: Tensor, counts: Tensor) -> Tensor:
    """Sum the terms, (tokens,), of each response, (responses,)."""
    return torch.segment_reduce(terms, 'sum', lengths=counts)


def weighted_sums(terms: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Sum the terms of each response by the weights of its tokens.

    Args:
        terms: (tokens,).
        weights: (tokens,), the factor of each term; 1 unless spans carry weights.
        counts: (responses,), supervised tokens of each response.

    Returns:
        (responses,).
    """
    return response_sums(terms * weights, counts)


def weighted_means(terms: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Average what `weighted_sums` sums, (responses,)."""
    sums = weighted_sums(terms, weights, counts)
    return sums / response_sums(weights.to(sums.dtype), counts)
