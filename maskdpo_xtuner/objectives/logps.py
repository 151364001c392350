"""Log-probabilities of supervised tokens, and their sums.

Shapes: batch is the number of responses, length the number of target positions, vocab the size of
the vocabulary. ``mask`` is m of the paper: True on supervised tokens, an explicit boolean, since
a token whose id is 0 is a token like any other.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def token_logps(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Log-probability of each supervised target, in fp32 at least whatever the logits' dtype.

    Args:
        logits: (batch, length, vocab), the distribution over the token at each target position.
        targets: (batch, length), token ids; any value where ``mask`` is False.
        mask: (batch, length), bool.

    Returns:
        (batch, length), 0 where ``mask`` is False. Logits of other positions are not read, so
        their gradient is exactly zero.
    """
    supervised = logits[mask]
    # bf16 sums are the trap: between -256 and -512 their spacing is 2.
    precise = supervised.to(torch.promote_types(logits.dtype, torch.float32))
    logps = -F.cross_entropy(precise, targets[mask], reduction='none')
    return logps.new_zeros(targets.shape).masked_scatter(mask, logps)


def masked_logratios(
    policy_token_logps: Tensor, reference_token_logps: Tensor, weights: Tensor
) -> Tensor:
    """M of the paper (eq. 5): sum over supervised tokens of log pi_theta - log pi_ref.

    Args:
        policy_token_logps: (batch, length).
        reference_token_logps: (batch, length).
        weights: (batch, length), the factor of each term: the mask, or any weights.

    Returns:
        (batch,).
    """
    return ((policy_token_logps - reference_token_logps) * weights).sum(-1)


def mean_logratios(
    policy_token_logps: Tensor, reference_token_logps: Tensor, weights: Tensor
) -> Tensor:
    """The mean that `masked_logratios` is the sum of, (batch,); no row has only zero weights."""
    sums = masked_logratios(policy_token_logps, reference_token_logps, weights)
    return sums / weights.sum(-1)
