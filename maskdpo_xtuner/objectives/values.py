"""What a batch gives beside its loss, and the means of it that are logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from maskdpo_xtuner.objectives.likelihood import Objective
from maskdpo_xtuner.objectives.logps import response_sums
from maskdpo_xtuner.objectives.terms import LossTerms, TokenTerms, loss_terms

OF_PAIRS = (
    *('loss', 'preference', 'nll'),
    *('rewards/chosen', 'rewards/rejected', 'rewards/accuracies', 'rewards/margins'),
    *('logps/chosen', 'logps/rejected'),
)
"""Logged values that are means over pairs."""


@dataclass(frozen=True)
class PairValues:
    """What the pairs of a batch give; sides are chosen and rejected, or the chosen alone.

    Attributes:
        loss: (pairs,), or (2 * pairs,) of a loss with a term for each side: the chosen first.
        nll: (pairs,), negative log-likelihood per supervised token of the chosen.
        logps: (pairs, sides), sums of the policy's log-probabilities, without weights.
        counts: (pairs, sides), supervised tokens.
        preference: of the shape of the loss: what it is without the likelihood term, where it has
            both.
        rewards: (pairs, 2), beta times what the loss takes; None without the rejected side.
        shifts: (pairs, sides), sums of policy minus reference, without weights; None for a loss
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
        """Give what there is, one row a pair, detached, under the names of the attributes."""
        values = {name: value.detach() for name, value in vars(self).items() if value is not None}
        for name in {'loss', 'preference'} & values.keys():
            values[name] = values[name].reshape(-1, len(self.nll)).mean(dim=0)
        return values


def pair_values(objective: Objective, tokens: TokenTerms, counts: Tensor) -> PairValues:
    """Compute the loss and what is logged of each pair from the terms of supervised tokens.

    Args:
        objective: the loss.
        tokens: what it needs of the supervised tokens, of both sides or of the chosen alone.
        counts: (responses,), supervised tokens of each response.
    """
    sides = objective.loss.sides
    terms = loss_terms(tokens, counts, per_token=objective.loss.per_token, sides=sides)
    loss, preference = objective(terms)
    return PairValues(
        loss,
        terms.chosen.nlls,
        logps=response_sums(tokens.policy, counts).view(-1, sides),
        counts=counts.view(-1, sides),
        preference=preference,
        rewards=_rewards(objective, terms) if sides == 2 else None,
        shifts=_shifts(tokens, counts, sides),
    )


def _rewards(objective: Objective, terms: LossTerms) -> Tensor:
    both = (terms.chosen, terms.rejected)
    without = objective.loss.reference == 'none'
    compared = [side.logps if without else side.logratios for side in both]
    return objective.beta * torch.stack(compared, dim=-1)


def _shifts(tokens: TokenTerms, counts: Tensor, sides: int) -> Tensor | None:
    if tokens.reference is None:
        return None
    return response_sums(tokens.policy - tokens.reference, counts).view(-1, sides)


def pair_sums(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add up what `PairValues.by_pair` gives over the pairs, into scalars for `logged_means`."""
    sums = {'pairs': torch.tensor(len(values['loss']))}
    sums.update(
        {name: values[name].sum() for name in ('loss', 'preference', 'nll') if name in values}
    )
    for name in ('logps', 'counts', 'shifts'):
        if name in values:
            totals = values[name].sum(dim=0)
            sums.update(zip((f'{name}/chosen', f'{name}/rejected'), totals, strict=False))
    if 'rewards' in values:
        chosen, rejected = values['rewards'].unbind(-1)
        sums['rewards/chosen'], sums['rewards/rejected'] = chosen.sum(), rejected.sum()
        sums['rewards/accuracies'] = (chosen > rejected).sum()
        sums['rewards/margins'] = (chosen - rejected).sum()
    return sums


def logged_means(sums: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Means under the names to log, from sums of `pair_sums`, of any number of batches.

    Returns:
        ``loss``, ``preference``, ``nll``, ``rewards/*`` and ``logps/*`` (as TRL has it: the sum
        over the supervised tokens of a response), means over pairs; ``token_logps/*`` and
        ``token_logps/*_shift`` (policy minus reference), means over supervised tokens. Only those
        that the loss has.
    """
    means = {name: sums[name] / sums['pairs'] for name in OF_PAIRS if name in sums}
    for side in ('chosen', 'rejected'):
        for name, suffix in (('logps', ''), ('shifts', '_shift')):
            if f'{name}/{side}' in sums:
                mean = sums[f'{name}/{side}'] / sums[f'counts/{side}']
                means[f'token_logps/{side}{suffix}'] = mean
    return means
