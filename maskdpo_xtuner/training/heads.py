"""The two halves of a causal language model: its decoder, and the head that makes logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def hidden_states(llm: Any, inputs: dict[str, Tensor]) -> Tensor:
    """The hidden states that the head reads, (rows, length, hidden size)."""
    states: Tensor = _causal_lm(llm).get_decoder()(**inputs).last_hidden_state
    return states


def output_logits(llm: Any, hidden: Tensor) -> Tensor:
    """The model's own logits of hidden states, with what it does to them after the head.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        hidden: (..., hidden size).

    Returns:
        (..., vocab): scaled in Cohere and Granite, soft-capped in Gemma.
    """
    model = _causal_lm(llm)
    logits: Tensor = model.get_output_embeddings()(hidden)
    logits = logits * getattr(model.config, 'logit_scale', 1.0)
    logits = logits / getattr(model.config, 'logits_scaling', 1.0)
    cap = getattr(model.config, 'final_logit_softcapping', None)
    return logits if cap is None else cap * torch.tanh(logits / cap)


def _causal_lm(llm: Any) -> Any:
    """The model inside of a LoRA wrapper, or the model itself."""
    return llm.get_base_model() if hasattr(llm, 'get_base_model') else llm
