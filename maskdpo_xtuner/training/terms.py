"""What a batch gives beside its loss, and the means of it that are logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from maskdpo_xtuner.objectives import (
    CHOSEN_ONLY,
    LENGTH_NORMALIZED,
    REFERENCE_FREE,
    Objective,
    masked_logratios,
    mean_logratios,
    mean_nlls,
    response_sums,
)

OF_PAIRS = (
    *('loss', 'preference', 'nll'),
    *('rewards/chosen', 'rewards/rejected', 'rewards/accuracies', 'rewards/margins'),
)
"""Logged values that are means over pairs."""


@dataclass(frozen=True)
class PairTerms:
    """The terms of the pairs of a batch; sides are chosen and rejected, or the chosen alone.

    Attributes:
        loss: (pairs,), or (2 * pairs,) of a loss with a term for each side: the chosen first.
        nll: (pairs,), negative log-likelihood per supervised token of the chosen.
        logps: (pairs, sides), sums of the policy's log-probabilities, without weights.
        counts: (pairs, sides), supervised tokens.
        preference: of the shape of the loss: what it is without the likelihood term, where it has
            both.
        rewards: (pairs, 2), beta times what the loss takes; None without the rejected side.
        shifts: (pairs, 2), sums of policy minus reference, without weights; None for a loss
            without a reference.
    """

    loss: Tensor
    nll: Tensor
    logps: Tensor
    counts: Tensor
    preference: Tensor | None = None
    rewards: Tensor | None = None
    shifts: Tensor | None = None

    def by_pair(self) -> dict[str, Tensor]:
        """What there is, one row a pair, without gradient, under the names of the attributes."""
        values = {name: value.detach() for name, value in vars(self).items() if value is not None}
        for name in {'loss', 'preference'} & values.keys():
            values[name] = values[name].reshape(-1, len(self.nll)).mean(dim=0)
        return values


def pair_terms(
    objective: Objective,
    data: Mapping[str, Tensor],
    policy: Tensor,
    reference: Tensor,
    *divergences: Tensor,
) -> PairTerms:
    """From the terms of supervised tokens, (supervised,) each, to those of pairs.

    Args:
        objective: the loss.
        data: of `mask_preference_collate_fn`; for a loss in `CHOSEN_ONLY` without the rejected.
        policy: log pi_theta.
        reference: log pi_ref; 0 for a loss without a reference.
        divergences: KL(reference || policy), for a loss that takes it.
    """
    weights, counts = data['weights'], data['counts']
    sides = 1 if objective.loss_type in CHOSEN_ONLY else 2
    normalized = objective.loss_type in LENGTH_NORMALIZED
    logratios = mean_logratios if normalized else masked_logratios
    sums = [logratios(policy, reference, weights, counts)]
    sums += [response_sums(terms * weights, counts) for terms in divergences]
    nll = mean_nlls(policy, weights, counts)[::sides]
    loss, preference = objective(
        nll, *(total[side::sides] for total in sums for side in range(sides))
    )
    without = objective.loss_type in REFERENCE_FREE
    return PairTerms(
        loss,
        nll,
        logps=response_sums(policy, counts).view(-1, sides),
        counts=counts.view(-1, sides),
        preference=preference,
        rewards=None if sides == 1 else objective.beta * sums[0].view(-1, 2),
        shifts=None if without else response_sums(policy - reference, counts).view(-1, 2),
    )


def pair_sums(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add up what `PairTerms.by_pair` gives over the pairs, into scalars for `logged_means`."""
    sums = {'pairs': torch.tensor(len(terms['loss']))}
    sums.update(
        {name: terms[name].sum() for name in ('loss', 'preference', 'nll') if name in terms}
    )
    for name in ('logps', 'counts', 'shifts'):
        if name in terms:
            totals = terms[name].sum(dim=0)
            sums.update(zip((f'{name}/chosen', f'{name}/rejected'), totals, strict=False))
    if 'rewards' in terms:
        chosen, rejected = terms['rewards'].unbind(-1)
        sums['rewards/chosen'], sums['rewards/rejected'] = chosen.sum(), rejected.sum()
        sums['rewards/accuracies'] = (chosen > rejected).sum()
        sums['rewards/margins'] = (chosen - rejected).sum()
    return sums


def logged_means(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Means under the names to log, from sums of `pair_sums`, of any number of batches.

    Returns:
        ``loss``, ``preference``, ``nll`` and ``rewards/*``, means over pairs; of each side
        ``logps/*`` and ``logps/*_shift`` (policy minus reference), means over supervised tokens.
        Only those that the loss has.
    """
    means = {name: sums[name] / sums['pairs'] for name in OF_PAIRS if name in sums}
    for side in ('chosen', 'rejected'):
        for name, logged in (('logps', f'logps/{side}'), ('shifts', f'logps/{side}_shift')):
            if f'{name}/{side}' in sums:
                means[logged] = sums[f'{name}/{side}'] / sums[f'counts/{side}']
    return means
