"""What a loss is a function of: a few values of each pair, made of those of supervised tokens."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from maskdpo_xtuner.objectives.logps import weighted_means, weighted_sums


@dataclass(frozen=True)
class TokenTerms:
    """Values of the supervised tokens of a batch, (supervised,) each.

    The responses lie end to end, chosen and rejected in turn, or the chosen alone.

    Attributes:
        policy: log pi_theta.
        weights: factor of each token's terms; all 1 unless spans carry weights.
        reference: log pi_ref; None for a loss without a reference.
        divergences: KL(reference || policy); None for a loss that does not take it.
    """

    policy: Tensor
    weights: Tensor
    reference: Tensor | None = None
    divergences: Tensor | None = None


class SideTerms:
    """One side of the pairs, chosen or rejected; (pairs,) each.

    Attributes:
        logps: log pi_theta of the supervised tokens: a sum over those of a response, or a mean for
            a loss that is registered with ``per_token=True``; by the weights of the tokens.
        nlls: negative log-likelihood of a response, always the mean over its supervised tokens.
        counts: supervised tokens of a response.
    """

    def __init__(
        self,
        logps: Tensor,
        nlls: Tensor,
        counts: Tensor,
        logratios: Tensor | None = None,
        divergences: Tensor | None = None,
    ) -> None:
        self.logps, self.nlls, self.counts = logps, nlls, counts
        self._logratios, self._divergences = logratios, divergences

    @property
    def logratios(self) -> Tensor:
        """M of the paper (eq. 5), of log pi_theta - log pi_ref as `logps` is of log pi_theta.

        Raises:
            ValueError: for a loss that is registered without a reference.
        """
        if self._logratios is None:
            raise ValueError(
                "a loss registered with reference='none' has no log-ratios; take its logps, or "
                "register it with reference='logps'"
            )
        return self._logratios

    @property
    def divergences(self) -> Tensor:
        """KL(reference || policy), of each position as `logps` is of log pi_theta.

        Raises:
            ValueError: unless the loss is registered with ``reference='distributions'``.
        """
        if self._divergences is None:
            raise ValueError(
                "divergences are there for a loss registered with reference='distributions' only"
            )
        return self._divergences


class LossTerms:
    """The terms of the pairs of a batch.

    Attributes:
        chosen: of the chosen responses.
    """

    def __init__(self, chosen: SideTerms, rejected: SideTerms | None = None) -> None:
        self.chosen = chosen
        self._rejected = rejected

    @property
    def rejected(self) -> SideTerms:
        """Of the rejected responses.

        Raises:
            ValueError: for a loss that is registered without them.
        """
        if self._rejected is None:
            raise ValueError('a loss registered with needs_rejected=False has no rejected side')
        return self._rejected

    @property
    def logratio_margins(self) -> Tensor:
        """M_w - M_l of the paper (eq. 6), (pairs,)."""
        return self.chosen.logratios - self.rejected.logratios


def loss_terms(tokens: TokenTerms, counts: Tensor, *, per_token: bool, sides: int) -> LossTerms:
    """Put the values of supervised tokens together to those of pairs.

    Args:
        tokens: of a batch.
        counts: (responses,), supervised tokens of each response.
        per_token: whether a response has the means over its tokens, by weights, or the sums.
        sides: responses of a pair: 2, or 1 for the chosen alone.
    """
    reduce = weighted_means if per_token else weighted_sums
    values = {
        'logps': reduce(tokens.policy, tokens.weights, counts),
        'nlls': -weighted_means(tokens.policy, tokens.weights, counts),
        'counts': counts,
    }
    if tokens.reference is not None:
        ratios = tokens.policy - tokens.reference
        values['logratios'] = reduce(ratios, tokens.weights, counts)
    if tokens.divergences is not None:
        values['divergences'] = reduce(tokens.divergences, tokens.weights, counts)
    return LossTerms(
        *(
            SideTerms(**{name: value[side::sides] for name, value in values.items()})
            for side in range(sides)
        )
    )
