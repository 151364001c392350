"""Preference objectives as pure functions of log-probabilities."""

from maskdpo_xtuner.objectives.kl import divergence_terms, kl_divergences
from maskdpo_xtuner.objectives.likelihood import Objective, build_objective, mean_nlls
from maskdpo_xtuner.objectives.logps import (
    Head,
    chunked_token_logps,
    masked_logratios,
    mean_logratios,
    response_sums,
    token_logps,
)
from maskdpo_xtuner.objectives.losses import (
    CHOSEN_ONLY,
    LENGTH_NORMALIZED,
    LOSSES,
    REFERENCE_FREE,
    WITH_DIVERGENCE,
    build_loss,
)

__all__ = [
    'CHOSEN_ONLY',
    'Head',
    'LENGTH_NORMALIZED',
    'LOSSES',
    'Objective',
    'REFERENCE_FREE',
    'WITH_DIVERGENCE',
    'build_loss',
    'build_objective',
    'chunked_token_logps',
    'divergence_terms',
    'kl_divergences',
    'masked_logratios',
    'mean_logratios',
    'mean_nlls',
    'response_sums',
    'token_logps',
]
