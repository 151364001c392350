"""Rows to the log-probabilities of their supervised tokens, with any decoder of transformers."""

from maskdpo_xtuner.modeling.forward import (
    LogitsSettings,
    supervised_hidden_states,
    supervised_logps,
)
from maskdpo_xtuner.modeling.heads import check_head
from maskdpo_xtuner.modeling.recomputation import recompute_layers

__all__ = [
    'LogitsSettings',
    'check_head',
    'recompute_layers',
    'supervised_hidden_states',
    'supervised_logps',
]
