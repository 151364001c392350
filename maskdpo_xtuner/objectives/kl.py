"""Divergence of the policy from the reference at supervised tokens, which TDPO needs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

Head = Callable[[Tensor], Tensor]


def kl_divergences(policy_logits: Tensor, reference_logits: Tensor) -> Tensor:
    """KL(reference || policy) of each position, in fp32 at least whatever the logits' dtype.

    This is the sequential forward KL of TDPO (Zeng et al. 2024, arXiv 2404.11999) before its sum
    over positions; the reference, whose distribution it is taken under, comes first.

    Args:
        policy_logits: (..., vocab).
        reference_logits: (..., vocab).

    Returns:
        (...,), never negative but for rounding.
    """
    return _divergence(_log_distribution(policy_logits), _log_distribution(reference_logits))


def token_kls(policy_logits: Tensor, reference_logits: Tensor, mask: Tensor) -> Tensor:
    """`kl_divergences` at supervised tokens and 0 elsewhere.

    Args:
        policy_logits: (batch, length, vocab).
        reference_logits: (batch, length, vocab).
        mask: (batch, length), bool.

    Returns:
        (batch, length). Logits of other positions are not read.
    """
    divergences = kl_divergences(policy_logits[mask], reference_logits[mask])
    return divergences.new_zeros(mask.shape).masked_scatter(mask, divergences)


def divergence_terms(
    policy_hidden: Tensor,
    reference_hidden: Tensor,
    policy_head: Head,
    reference_head: Head,
    targets: Tensor,
    chunk_size: int = 256,
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities of both models and `kl_divergences`, from the last hidden states.

    The two distributions exist for one chunk of positions at a time, in the backward pass too,
    where they are computed again. No gradient goes to the reference.

    Args:
        policy_hidden: (positions, hidden size) of the policy.
        reference_hidden: (positions, hidden size) of the reference.
        policy_head: gives the policy's logits, (positions, vocab), of hidden states.
        reference_head: the same of the reference.
        targets: (positions,), token ids.
        chunk_size: positions at a time; a setting of memory, not of the result.

    Returns:
        log pi_theta, log pi_ref, and KL(reference || policy), each (positions,), fp32 at least.
    """
    heads = policy_head, reference_head
    chunks = [
        checkpoint(_chunk_terms, *heads, *chunk, use_reentrant=False)
        for chunk in zip(
            *(tensor.split(chunk_size) for tensor in (policy_hidden, reference_hidden, targets)),
            strict=True,
        )
    ]
    policy, reference, divergences = (torch.cat(parts) for parts in zip(*chunks, strict=True))
    return policy, reference, divergences


def _chunk_terms(
    policy_head: Head,
    reference_head: Head,
    policy_hidden: Tensor,
    reference_hidden: Tensor,
    targets: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    policy = _log_distribution(policy_head(policy_hidden))
    with torch.no_grad():
        reference = _log_distribution(reference_head(reference_hidden))
    index = targets.unsqueeze(-1)
    policy_logps, reference_logps = policy.gather(-1, index), reference.gather(-1, index)
    return policy_logps.squeeze(-1), reference_logps.squeeze(-1), _divergence(policy, reference)


def _log_distribution(logits: Tensor) -> Tensor:
    # log_softmax, not softmax().log(): the latter is -inf where a probability underflows.
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)


def _divergence(policy: Tensor, reference: Tensor) -> Tensor:
    return F.kl_div(policy, reference, reduction='none', log_target=True).sum(-1)
