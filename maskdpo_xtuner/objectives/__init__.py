"""Preference objectives as pure functions of log-probabilities."""

from maskdpo_xtuner.objectives import losses as losses  # Importing registers them.
from maskdpo_xtuner.objectives.finite import check_finite
from maskdpo_xtuner.objectives.kl import divergence_terms, kl_divergences
from maskdpo_xtuner.objectives.likelihood import Objective, build_objective
from maskdpo_xtuner.objectives.logps import (
    Head,
    chunked_token_logps,
    response_sums,
    token_logps,
)
from maskdpo_xtuner.objectives.registry import (
    BELOW_HALF,
    NOT_NEGATIVE,
    POSITIVE,
    Bound,
    Loss,
    build_loss,
    find_loss,
    register_loss,
)
from maskdpo_xtuner.objectives.terms import LossTerms, SideTerms, TokenTerms, loss_terms
from maskdpo_xtuner.objectives.values import PairValues, logged_means, pair_sums, pair_values
from maskdpo_xtuner.registry import LOSSES

__all__ = [
    'BELOW_HALF',
    'Bound',
    'Head',
    'LOSSES',
    'Loss',
    'LossTerms',
    'NOT_NEGATIVE',
    'Objective',
    'POSITIVE',
    'PairValues',
    'SideTerms',
    'TokenTerms',
    'build_loss',
    'build_objective',
    'check_finite',
    'chunked_token_logps',
    'divergence_terms',
    'find_loss',
    'kl_divergences',
    'logged_means',
    'loss_terms',
    'pair_sums',
    'pair_values',
    'register_loss',
    'response_sums',
    'token_logps',
]
