"""The likelihood of the chosen response, as a term beside a preference loss or alone.

Beside DPO it is known as RPO (Pang et al. 2024, arXiv 2404.19733, eq. 5, weight 1), DPO with an
NLL term (Llama 3, arXiv 2407.21783, section 4.1.4, weight 0.2), ``rpo_alpha`` and ``pref_ftx``.
There it has all tokens of the chosen response; here those that are supervised. It answers
likelihood displacement: a margin that grows while the chosen response becomes less likely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from maskdpo_xtuner.objectives.logps import response_sums
from maskdpo_xtuner.objectives.losses import CHOSEN_ONLY, Loss, build_loss


def mean_nlls(policy_token_logps: Tensor, weights: Tensor, counts: Tensor) -> Tensor:
    """Negative log-likelihood of each response, a mean over its supervised tokens.

    Args:
        policy_token_logps: (tokens,).
        weights: (tokens,), of the terms of the mean; all 1 unless spans carry weights.
        counts: (responses,), supervised tokens of each response.

    Returns:
        (responses,).
    """
    sums = response_sums(policy_token_logps * weights, counts)
    return -sums / response_sums(weights.to(sums.dtype), counts)


@dataclass(frozen=True)
class Objective:
    """A preference loss, the likelihood of the chosen responses, or both.

    Attributes:
        loss_type: its name.
        preference: a function of sums of the pairs (see `maskdpo_xtuner.objectives.losses`); None
            for ``sft``, which has none.
        nll: weight of the likelihood term.
        beta: strength of the pull towards the reference.
    """

    loss_type: str
    preference: Loss | None
    nll: float
    beta: float

    def __call__(self, chosen_nlls: Tensor, *sums: Tensor) -> tuple[Tensor, Tensor | None]:
        """The loss, and the preference's part of it where it has two.

        Args:
            chosen_nlls: (pairs,), of `mean_nlls`.
            sums: (pairs,) each, what the preference loss takes.

        Returns:
            (pairs,), or (2 * pairs,) of a preference loss with a term for each side, and the same
            without the likelihood term, or None. The mean of the first is the mean of the second
            plus ``nll`` times the mean of ``chosen_nlls``.
        """
        if self.preference is None:
            return self.nll * chosen_nlls, None
        preference = self.preference(*sums)
        if not self.nll:
            return preference, None
        # Once to the term of each side, so that the mean has it once.
        sides = len(preference) // len(chosen_nlls)
        return preference + self.nll * chosen_nlls.repeat(sides), preference


def build_objective(
    loss_type: str, nll: float | None = None, *, beta: float = 0.1, **options: Any
) -> Objective:
    """Build a loss with the likelihood term.

    Args:
        loss_type: a name of `LOSSES`, or ``sft``: the likelihood term alone (supervised
            fine-tuning on the chosen responses), in which ``beta`` has no meaning.
        nll: weight of the term; None: 1 for ``sft``, else 0, as in the paper.
        beta: strength of the pull towards the reference.
        options: what else the preference loss takes.

    Raises:
        ValueError: as `build_loss`, and for a weight out of range.
    """
    alone = loss_type in CHOSEN_ONLY
    weight = float(alone) if nll is None else nll
    if not 0 <= weight < math.inf:
        raise ValueError(f'nll must not be negative, but is {nll}')
    if not alone:
        loss = build_loss(loss_type, beta=beta, **options)
        return Objective(loss_type, loss, weight, beta)
    if options:
        raise ValueError(f'loss_type {loss_type!r} has no {", ".join(options)}; it has nll')
    if not weight:
        raise ValueError(f'nll is all that loss_type {loss_type!r} has; it must be positive')
    return Objective(loss_type, None, weight, beta)
