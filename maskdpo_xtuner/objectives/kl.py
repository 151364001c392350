"""Divergence of the policy from the reference at supervised tokens, which TDPO needs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from maskdpo_xtuner.objectives.chunks import in_chunks
from maskdpo_xtuner.objectives.logps import Head


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


def divergence_terms(
    policy_hidden: Tensor,
    reference_hidden: Tensor,
    policy_head: Head,
    reference_head: Head,
    targets: Tensor,
    chunk_size: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities of both models and `kl_divergences`, from the last hidden states.

    The two distributions exist for one chunk of tokens at a time, in the backward pass too,
    where they are computed again. No gradient goes to the reference.

    Args:
        policy_hidden: (tokens, hidden size) of the policy.
        reference_hidden: (tokens, hidden size) of the reference.
        policy_head: gives the policy's logits, (tokens, vocab), of hidden states.
        reference_head: the same of the reference.
        targets: (tokens,), token ids.
        chunk_size: tokens at a time; a setting of memory, not of the result.

    Returns:
        log pi_theta, log pi_ref, and KL(reference || policy), each (tokens,), fp32 at least.
    """

    def terms(policy_states: Tensor, reference_states: Tensor, ids: Tensor) -> tuple[Tensor, ...]:
        policy = _log_distribution(policy_head(policy_states))
        with torch.no_grad():
            reference = _log_distribution(reference_head(reference_states))
        index = ids.unsqueeze(-1)
        logps = [logs.gather(-1, index).squeeze(-1) for logs in (policy, reference)]
        return *logps, _divergence(policy, reference)

    policy, reference, divergences = in_chunks(
        terms, chunk_size, policy_hidden, reference_hidden, targets
    )
    return policy, reference, divergences


def _log_distribution(logits: Tensor) -> Tensor:
    # log_softmax, not softmax().log(): the latter is -inf where a probability underflows.
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)


def _divergence(policy: Tensor, reference: Tensor) -> Tensor:
    return F.kl_div(policy, reference, reduction='none', log_target=True).sum(-1)
