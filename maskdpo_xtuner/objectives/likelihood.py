"""The likelihood of the chosen response, as a term beside a preference loss or alone.

Beside DPO it is known as RPO (Pang et al. 2024, arXiv 2404.19733, eq. 5, weight 1), DPO with an
NLL term (Llama 3, arXiv 2407.21783, section 4.1.4, weight 0.2), ``rpo_alpha`` and ``pref_ftx``.
There it has all tokens of the chosen response; here those that are supervised. It answers
likelihood displacement: a margin that grows while the chosen response becomes less likely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from maskdpo_xtuner.objectives.registry import (
    NOT_NEGATIVE,
    POSITIVE,
    Loss,
    find_loss,
    register_loss,
)
from maskdpo_xtuner.objectives.terms import LossTerms


@register_loss('sft', reference='none', needs_rejected=False, bounds={'nll': POSITIVE})
def sft(terms: LossTerms, *, nll: float = 1.0) -> Tensor:
    """Supervised fine-tuning on the supervised tokens of the chosen: the likelihood term alone."""
    return nll * terms.chosen.nlls


@dataclass(frozen=True)
class Objective:
    """A loss with its options, and the likelihood of the chosen responses beside it.

    Attributes:
        loss: with its traits.
        function: that loss with its options bound.
        nll: weight of the likelihood term.
        beta: strength of the pull towards the reference; 1 for a loss that has no such option.
    """

    loss: Loss
    function: Callable[[LossTerms], Tensor]
    nll: float
    beta: float

    def __call__(self, terms: LossTerms) -> tuple[Tensor, Tensor | None]:
        """The loss, and what it is without the likelihood term where it has that beside it.

        Args:
            terms: of the pairs, made as the traits of the loss say.

        Returns:
            (pairs,), or (2 * pairs,) of a loss with a term for each side, and the same without the
            likelihood term, or None. The mean of the first is the mean of the second plus ``nll``
            times the mean of ``terms.chosen.nlls``.
        """
        preference = self.function(terms)
        if not self.nll:
            return preference, None
        # Once to the term of each side, so that the mean has it once.
        sides = len(preference) // len(terms.chosen.nlls)
        return preference + self.nll * terms.chosen.nlls.repeat(sides), preference


def build_objective(
    loss_type: str, nll: float | None = None, *, beta: float = 0.1, **options: Any
) -> Objective:
    """Build a loss with the likelihood term.

    Args:
        loss_type: a name of `LOSSES`, or the dotted path of a registered loss.
        nll: weight of the term; None: 0, as in the paper. ``sft``, which is the term alone, has it
            as an option of its own; None: 1.
        beta: strength of the pull towards the reference; without meaning for a loss that has no
            such option.
        options: what else the loss takes.

    Raises:
        ValueError: as `build_loss`, and for a weight out of bounds.
    """
    loss = find_loss(loss_type)
    if 'beta' in loss.options:
        options['beta'] = beta
    if 'nll' in loss.options and nll is not None:
        options['nll'], nll = nll, None
    NOT_NEGATIVE.check('nll', nll or 0.0)
    return Objective(loss, loss.bind(**options), nll or 0.0, options.get('beta', 1.0))
