"""Preference objectives as pure functions of log-probabilities."""

from maskdpo_xtuner.objectives.kl import divergence_terms, kl_divergences, token_kls
from maskdpo_xtuner.objectives.logps import masked_logratios, mean_logratios, token_logps
from maskdpo_xtuner.objectives.losses import (
    LENGTH_NORMALIZED,
    LOSSES,
    REFERENCE_FREE,
    WITH_DIVERGENCE,
    build_loss,
)

__all__ = [
    'LENGTH_NORMALIZED',
    'LOSSES',
    'REFERENCE_FREE',
    'WITH_DIVERGENCE',
    'build_loss',
    'divergence_terms',
    'kl_divergences',
    'masked_logratios',
    'mean_logratios',
    'token_kls',
    'token_logps',
]
