"""What the layers of a model do between tokens, beside what a mask of attention can say."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from torch import nn

from maskdpo_xtuner.modeling.heads import decoder, decoder_layers, text_config
from maskdpo_xtuner.modeling.versions import ALL_MASK_ATTENTION_FUNCTIONS

ATTENTION = frozenset({'full_attention', 'sliding_attention'})
"""Kinds of layers that see other tokens through a mask alone."""
CAP = 'attn_logit_softcapping'
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


def sequences_obstacle(model: Any) -> str | None:
    """Say why a model cannot attend within sequences; None where nothing is known against it.

    What is overlooked here is seen in the first batch (`check_sequences`).

    Args:
        model: a causal language model of transformers.
    """
    config = text_config(model)
    name = type(model).__name__
    # Code of a model folder, or of another version of transformers, may not call what is set here.
    if not hasattr(sys.modules[type(decoder(model)).__module__], 'ALL_ATTENTION_FUNCTIONS'):
        return f'{name} computes its attention by itself'
    if not takes(model, 'position_ids'):
        return f'{name} counts the positions of tokens by itself'
    others = sorted(set(getattr(config, 'layer_types', None) or ()) - ATTENTION)
    if others:
        return f'{name} has layers of {", ".join(others)}, which no mask keeps within a response'
    for layer in decoder_layers(model):
        for part in layer.modules():
            if isinstance(part, CONVOLUTIONS):
                return f'{name} has layers with a convolution over tokens ({type(part).__name__})'
    return _attention_obstacle(config)


def takes(llm: Any, name: str) -> bool:
    """Tell whether the decoder of a model has an argument.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        name: of the argument.
    """
    return name in inspect.signature(decoder(llm).forward).parameters


def check_scores(llm: Any) -> None:
    """Make sure that a model whose attention caps its scores does so.

    Args:
        llm: a causal language model of transformers, with LoRA or without.

    Raises:
        ValueError: where torch's attention is chosen, which cannot, with what to set.
    """
    config = text_config(llm)
    cap = getattr(config, CAP, None)
    if cap and config._attn_implementation == 'sdpa':
        raise ValueError(
            f"the model caps the scores of its attention at {cap:g} ({CAP}), which torch's own "
            "does not; set model.llm.attn_implementation='eager'"
        )


def _attention_obstacle(config: Any) -> str | None:
    cap = getattr(config, CAP, None)
    if cap:
        return f'the model caps the scores of its attention at {cap:g} ({CAP})'
    window = getattr(config, 'sliding_window', None)
    if window and getattr(config, 'use_sliding_window', True) and not ALL_MASK_ATTENTION_FUNCTIONS:
        return (
            f'the model looks at the last {window} tokens only (sliding_window), for which '
            'transformers 4.53 or newer is needed'
        )
    return None
