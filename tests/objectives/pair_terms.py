"""Terms of pairs, made of the numbers that a loss compares."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from maskdpo_xtuner.objectives import LossTerms, SideTerms

Numbers = Tensor | Sequence[float]


def fp64(values: Numbers) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


def side_terms(
    compared: Numbers, divergences: Numbers | None = None, nlls: Numbers | None = None
) -> SideTerms:
    """A side whose log-ratios and log-probabilities are the same numbers."""
    values = fp64(compared)
    return SideTerms(
        logps=values,
        nlls=-values if nlls is None else fp64(nlls),
        counts=torch.ones_like(values, dtype=torch.int64),
        logratios=values,
        divergences=torch.zeros_like(values) if divergences is None else fp64(divergences),
    )


def pair_terms(
    chosen: Numbers,
    rejected: Numbers,
    chosen_kls: Numbers | None = None,
    rejected_kls: Numbers | None = None,
    chosen_nlls: Numbers | None = None,
) -> LossTerms:
    """Terms of pairs, (pairs,) each, in fp64."""
    return LossTerms(
        side_terms(chosen, chosen_kls, chosen_nlls), side_terms(rejected, rejected_kls)
    )
