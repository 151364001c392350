"""Divergence of the policy from the reference at supervised tokens, which TDPO needs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


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
    dtype = torch.promote_types(policy_logits.dtype, torch.float32)
    # log_softmax, not softmax().log(): the latter is -inf where a probability underflows.
    policy = policy_logits.to(dtype).log_softmax(-1)
    reference = reference_logits.to(dtype).log_softmax(-1)
    return F.kl_div(policy, reference, reduction='none', log_target=True).sum(-1)


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
