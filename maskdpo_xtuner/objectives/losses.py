"""Preference losses as pure functions of a few sums a pair.

Most losses take

    chosen_logratios: (pairs,), M_w of the paper (eq. 5)
    rejected_logratios: (pairs,), M_l of the paper (eq. 5)
    beta: strength of the pull towards the reference model

and return one loss a pair, (pairs,), unless they say otherwise. With all response tokens
supervised those from `sigmoid` to `nca_pair` are the losses of XTuner 0.2.0
(`xtuner/model/dpo.py`); the others are those that the paper's Table 8 compares with.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[..., Tensor]


def sigmoid(
    chosen_logratios: Tensor,
    rejected_logratios: Tensor,
    *,
    beta: float,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mask-DPO (paper, eq. 6); DPO (Rafailov et al. 2023, eq. 7) with all tokens supervised.

    ``label_smoothing`` is the share of pairs taken to be swapped (conservative DPO).
    """
    margins = beta * (chosen_logratios - rejected_logratios)
    kept = -F.logsigmoid(margins) * (1 - label_smoothing)
    return kept - F.logsigmoid(-margins) * label_smoothing


def robust(
    chosen_logratios: Tensor,
    rejected_logratios: Tensor,
    *,
    beta: float,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Robust DPO (Chowdhury et al. 2024), unbiased if ``label_smoothing`` of pairs are swapped."""
    margins = beta * (chosen_logratios - rejected_logratios)
    kept = -F.logsigmoid(margins) * (1 - label_smoothing)
    return (kept + F.logsigmoid(-margins) * label_smoothing) / (1 - 2 * label_smoothing)


def hinge(chosen_logratios: Tensor, rejected_logratios: Tensor, *, beta: float) -> Tensor:
    """Hinge on the reward margin (SLiC, Zhao et al. 2023)."""
    return torch.relu(1 - beta * (chosen_logratios - rejected_logratios))


def ipo(chosen_logratios: Tensor, rejected_logratios: Tensor, *, beta: float) -> Tensor:
    """IPO (Azar et al. 2023, eq. 17) on log-ratios per supervised token; beta is its tau."""
    return (chosen_logratios - rejected_logratios - 1 / (2 * beta)) ** 2


def kto_pair(chosen_logratios: Tensor, rejected_logratios: Tensor, *, beta: float) -> Tensor:
    """Paired KTO (Ethayarajh et al. 2024, eq. 7). Returns (2 * pairs,): chosen, then rejected.

    The KL of one side is estimated on the other side of the batch.
    """
    chosen_kl = chosen_logratios.mean().clamp(min=0)
    rejected_kl = rejected_logratios.mean().clamp(min=0)
    chosen = 1 - torch.sigmoid(beta * (chosen_logratios - rejected_kl))
    rejected = 1 - torch.sigmoid(beta * (chosen_kl - rejected_logratios))
    return torch.cat((chosen, rejected))


def sppo_hard(chosen_logratios: Tensor, rejected_logratios: Tensor, *, beta: float) -> Tensor:
    """SPPO (Wu et al. 2024, eq. 4.7) with win probability 1 for chosen and 0 for rejected."""
    target = 0.5 / beta
    return (chosen_logratios - target) ** 2 + (rejected_logratios + target) ** 2


def nca_pair(chosen_logratios: Tensor, rejected_logratios: Tensor, *, beta: float) -> Tensor:
    """Paired noise contrastive alignment (Chen et al. 2024)."""
    chosen_rewards = beta * chosen_logratios
    rejected_rewards = beta * rejected_logratios
    pull = -F.logsigmoid(chosen_rewards)
    return pull - 0.5 * F.logsigmoid(-chosen_rewards) - 0.5 * F.logsigmoid(-rejected_rewards)


def dpop(
    chosen_logratios: Tensor,
    rejected_logratios: Tensor,
    *,
    beta: float,
    penalty: float = 50.0,
) -> Tensor:
    """DPO-Positive (Smaug, Pal et al. 2024, arXiv 2402.13228); ``penalty`` is its lambda.

    It keeps the chosen response from becoming less likely than under the reference. As in the
    corrected version of the paper the penalty stands inside of the sigmoid.
    """
    shortfall = torch.relu(-chosen_logratios)
    return -F.logsigmoid(beta * (chosen_logratios - rejected_logratios - penalty * shortfall))


def tdpo1(
    chosen_logratios: Tensor,
    rejected_logratios: Tensor,
    chosen_kls: Tensor,
    rejected_kls: Tensor,
    *,
    beta: float,
) -> Tensor:
    """TDPO1 (Zeng et al. 2024, arXiv 2404.11999).

    The KLs, (pairs,), are sums over the supervised tokens.
    """
    margins = chosen_logratios - rejected_logratios - (rejected_kls - chosen_kls)
    return -F.logsigmoid(beta * margins)


def tdpo2(
    chosen_logratios: Tensor,
    rejected_logratios: Tensor,
    chosen_kls: Tensor,
    rejected_kls: Tensor,
    *,
    beta: float,
    alpha: float = 0.5,
) -> Tensor:
    """TDPO2 (Zeng et al. 2024), of the Mask-DPO paper's Table 8.

    The KL of the chosen response is a bar without gradient, so that the chosen response may move
    away from the reference; ``alpha`` weighs the KL terms.
    """
    margins = chosen_logratios - rejected_logratios - alpha * (rejected_kls - chosen_kls.detach())
    return -F.logsigmoid(beta * margins)


def sepo(chosen_logps: Tensor, rejected_logps: Tensor, *, beta: float) -> Tensor:
    """SePO (Yang et al. 2024, arXiv 2408.13518) on log-probabilities per selected token.

    There is no reference model in it: the arguments, (pairs,), are means over the selected tokens
    of log pi_theta. ``beta`` scales them; 1 leaves them as they are.
    """
    return -F.logsigmoid(beta * (chosen_logps - rejected_logps))


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        *(sigmoid, robust, hinge, ipo, kto_pair, sppo_hard, nca_pair),
        *(dpop, tdpo1, tdpo2, sepo),
    )
}

LENGTH_NORMALIZED = frozenset({'ipo', 'sepo'})
"""Losses that are defined on log-ratios per supervised token (`mean_logratios`)."""

CHOSEN_ONLY = frozenset({'sft'})
"""The likelihood of the chosen response alone, which is no preference loss (`likelihood`)."""

REFERENCE_FREE = CHOSEN_ONLY | {'sepo'}
"""Losses of the policy's log-probabilities in place of log-ratios."""

WITH_DIVERGENCE = frozenset({'tdpo1', 'tdpo2'})
"""Losses that also take KL(reference || policy) of both sides, summed over supervised tokens."""


def build_loss(loss_type: str, **options: Any) -> Loss:
    """Bind ``beta`` and the other options of a loss.

    Raises:
        ValueError: for an unknown loss, an option that the loss does not have, or a value out of
            range.
    """
    if loss_type not in LOSSES:
        names = ', '.join((*LOSSES, *CHOSEN_ONLY))
        raise ValueError(f'unknown loss_type {loss_type!r}; one of {names}')
    loss = LOSSES[loss_type]
    parameters = inspect.signature(loss).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            raise ValueError(f'loss_type {loss_type!r} has no {name}; it has {", ".join(known)}')
    if not options.get('beta', 1.0) > 0:
        raise ValueError(f'beta must be positive, not {options["beta"]}')
    for name in ('penalty', 'alpha'):
        if not options.get(name, 0.0) >= 0:
            raise ValueError(f'{name} must not be negative, but is {options[name]}')
    if not 0 <= options.get('label_smoothing', 0.0) < 0.5:
        raise ValueError(f'label_smoothing must lie in [0, 0.5), not {options["label_smoothing"]}')
    return functools.partial(loss, **options)
