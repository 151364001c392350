"""The preference losses: pure functions of the terms of the pairs of a batch.

Most take the log-ratios of both sides (M_w and M_l of the paper, eq. 5) and ``beta``, the strength
of the pull towards the reference model, and return one loss a pair, (pairs,), unless they say
otherwise. With all response tokens supervised those from `sigmoid` to `nca_pair` are the losses of
XTuner 0.2.0 (`xtuner/model/dpo.py`); the others are those that the paper's Table 8 compares with.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from maskdpo_xtuner.objectives.registry import BELOW_HALF, NOT_NEGATIVE, register_loss
from maskdpo_xtuner.objectives.terms import LossTerms


@register_loss('sigmoid', bounds={'label_smoothing': BELOW_HALF})
def sigmoid(terms: LossTerms, *, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """Mask-DPO (paper, eq. 6); DPO (Rafailov et al. 2023, eq. 7) with all tokens supervised.

    ``label_smoothing`` is the share of pairs taken to be swapped (conservative DPO).
    """
    margins = beta * terms.logratio_margins
    kept = -F.logsigmoid(margins) * (1 - label_smoothing)
    return kept - F.logsigmoid(-margins) * label_smoothing


@register_loss('robust', bounds={'label_smoothing': BELOW_HALF})
def robust(terms: LossTerms, *, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """Robust DPO (Chowdhury et al. 2024), unbiased if ``label_smoothing`` of pairs are swapped."""
    margins = beta * terms.logratio_margins
    kept = -F.logsigmoid(margins) * (1 - label_smoothing)
    return (kept + F.logsigmoid(-margins) * label_smoothing) / (1 - 2 * label_smoothing)


@register_loss('hinge')
def hinge(terms: LossTerms, *, beta: float) -> Tensor:
    """Hinge on the reward margin (SLiC, Zhao et al. 2023)."""
    return torch.relu(1 - beta * terms.logratio_margins)


@register_loss('ipo', per_token=True)
def ipo(terms: LossTerms, *, beta: float) -> Tensor:
    """IPO (Azar et al. 2023, eq. 17) on log-ratios per supervised token; beta is its tau."""
    return (terms.logratio_margins - 1 / (2 * beta)) ** 2


@register_loss('kto_pair', compares_pairs=True)
def kto_pair(terms: LossTerms, *, beta: float) -> Tensor:
    """Paired KTO (Ethayarajh et al. 2024, eq. 7). Returns (2 * pairs,): chosen, then rejected.

    The KL of one side is estimated on the other side of the batch.
    """
    chosen_logratios, rejected_logratios = terms.chosen.logratios, terms.rejected.logratios
    chosen_kl = chosen_logratios.mean().clamp(min=0)
    rejected_kl = rejected_logratios.mean().clamp(min=0)
    chosen = 1 - torch.sigmoid(beta * (chosen_logratios - rejected_kl))
    rejected = 1 - torch.sigmoid(beta * (chosen_kl - rejected_logratios))
    return torch.cat((chosen, rejected))


@register_loss('sppo_hard')
def sppo_hard(terms: LossTerms, *, beta: float) -> Tensor:
    """SPPO (Wu et al. 2024, eq. 4.7) with win probability 1 for chosen and 0 for rejected."""
    target = 0.5 / beta
    return (terms.chosen.logratios - target) ** 2 + (terms.rejected.logratios + target) ** 2


@register_loss('nca_pair')
def nca_pair(terms: LossTerms, *, beta: float) -> Tensor:
    """Paired noise contrastive alignment (Chen et al. 2024)."""
    chosen_rewards = beta * terms.chosen.logratios
    rejected_rewards = beta * terms.rejected.logratios
    pull = -F.logsigmoid(chosen_rewards)
    return pull - 0.5 * F.logsigmoid(-chosen_rewards) - 0.5 * F.logsigmoid(-rejected_rewards)


@register_loss('dpop', bounds={'penalty': NOT_NEGATIVE})
def dpop(terms: LossTerms, *, beta: float, penalty: float = 50.0) -> Tensor:
    """DPO-Positive (Smaug, Pal et al. 2024, arXiv 2402.13228); ``penalty`` is its lambda.

    It keeps the chosen response from becoming less likely than under the reference. As in the
    corrected version of the paper the penalty stands inside of the sigmoid.
    """
    shortfall = torch.relu(-terms.chosen.logratios)
    return -F.logsigmoid(beta * (terms.logratio_margins - penalty * shortfall))


@register_loss('tdpo1', reference='distributions')
def tdpo1(terms: LossTerms, *, beta: float) -> Tensor:
    """TDPO1 (Zeng et al. 2024, arXiv 2404.11999)."""
    divergence = terms.rejected.divergences - terms.chosen.divergences
    return -F.logsigmoid(beta * (terms.logratio_margins - divergence))


@register_loss('tdpo2', reference='distributions', bounds={'alpha': NOT_NEGATIVE})
def tdpo2(terms: LossTerms, *, beta: float, alpha: float = 0.5) -> Tensor:
    """TDPO2 (Zeng et al. 2024), of the Mask-DPO paper's Table 8.

    The KL of the chosen response is a bar without gradient, so that the chosen response may move
    away from the reference; ``alpha`` weighs the KL terms.
    """
    divergence = terms.rejected.divergences - terms.chosen.divergences.detach()
    return -F.logsigmoid(beta * (terms.logratio_margins - alpha * divergence))


@register_loss('sepo', per_token=True, reference='none')
def sepo(terms: LossTerms, *, beta: float) -> Tensor:
    """SePO (Yang et al. 2024, arXiv 2408.13518) on log-probabilities per selected token.

    There is no reference model in it. ``beta`` scales the means; 1 leaves them as they are.
    """
    return -F.logsigmoid(beta * (terms.chosen.logps - terms.rejected.logps))
