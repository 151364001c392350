"""The reference model once: its log-probabilities are computed before training and kept on disk."""

from maskdpo_xtuner.training.reference.attach import attach_reference
from maskdpo_xtuner.training.reference.choice import Reference, cached_logps, choose_reference

__all__ = ['Reference', 'attach_reference', 'cached_logps', 'choose_reference']
