"""Attention of models whose queries share keys, without a copy of the keys for every query.

transformers repeats keys and values for each of the heads that share them, at every step, which on
a CPU takes longer than the attention itself. Here the queries that share keys stand in a line, as
if they were one head's queries at so many positions.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = 'grouped_sdpa'


def enable_grouped_attention(model: Any) -> None:
    """Let a model on the CPU use it, if its attention can be chosen and is transformers' own."""
    chosen = model.config._attn_implementation == 'sdpa' and model.device.type == 'cpu'
    # Code of a model folder may not ask for the function that is set here.
    if chosen and hasattr(sys.modules[type(model).__module__], 'ALL_ATTENTION_FUNCTIONS'):
        model.config._attn_implementation = NAME


def grouped_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention as `transformers` calls it.

    Args:
        module: the attention layer.
        query: (rows, heads, length, head size).
        key: (rows, heads that are shared, columns, head size), like ``value``.
        value: see ``key``.
        attention_mask: (rows, 1, length, columns or more), added to the scores, or whether each
            is seen. Without one a single position sees all columns; with more of them
            transformers' function is called.
        dropout: of the attention weights.
        scaling: of the scores.
        options: of other attention functions.

    Returns:
        (rows, length, heads, head size), and None for the weights.
    """
    rows, heads, length, size = query.shape
    if attention_mask is None and length > 1:
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, None, dropout, scaling, **options
        )
        return result
    groups = heads // key.shape[1]
    mask = attention_mask
    if mask is not None:
        mask = mask[..., : key.shape[2]].repeat(1, 1, groups, 1)
    lined_up = query.reshape(rows, key.shape[1], groups * length, size)
    out = F.scaled_dot_product_attention(
        lined_up, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
    )
    return out.reshape(rows, heads, length, size).transpose(1, 2).contiguous(), None


ALL_ATTENTION_FUNCTIONS[NAME] = grouped_attention_forward
if find_spec('transformers.masking_utils') is not None:
    # Since transformers 4.53 masks are made by the name of the attention.
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, ALL_MASK_ATTENTION_FUNCTIONS['sdpa'])
