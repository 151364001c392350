"""Attention within sequences that lie end to end, two of which may share their beginning.

A sequence is (start, end, prefix start, prefix end), indices into the flattened rows: the tokens
from start to end, which see each other causally and, all of them, the tokens of the prefix. The
sequences of a batch cover its rows in order; a prefix is the beginning of an earlier sequence.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from maskdpo_xtuner.modeling.flash import KeyBounds, can_flash, flash_attention
from maskdpo_xtuner.modeling.heads import causal_lm
from maskdpo_xtuner.modeling.versions import check_transformers

NAME = 'sequences'
MODEL_TYPES = frozenset(
    {'cohere', 'gemma', 'glm', 'granite', 'llama', 'mistral', 'olmo', 'olmo2', 'phi', 'qwen2'}
)
"""Models of transformers whose attention this module was tested in."""
PLAIN_LAYOUT = (
    'set train_dataloader.collate_fn.pack=False, train_dataloader.collate_fn.share_prompt=False '
    'and train_cfg.row_tokens=None'
)


class SequenceMask:
    """Takes the place of an attention mask of four dimensions on its way through the model."""

    def __init__(self, sequences: Tensor) -> None:
        """Take the rows of ``sequences``, (sequences, 4); those without tokens are left out."""
        self.sequences: list[list[int]] = [row for row in sequences.tolist() if row[0] < row[1]]
        self._key_bounds: KeyBounds | None = None
        self._layers_reached = 0

    def note_layer(self) -> None:
        """Count a layer that attended within the sequences."""
        self._layers_reached += 1

    def check_layers(self, llm: nn.Module) -> None:
        """Make sure that every layer of a model got this mask.

        A layer without it takes all sequences for one, in which later ones see earlier ones.

        Raises:
            ValueError: after a forward pass in which one did not.
        """
        layers = causal_lm(llm).config.num_hidden_layers
        if self._layers_reached < layers:
            raise ValueError(
                f'{self._layers_reached} of {layers} layers of {type(causal_lm(llm)).__name__} got '
                f'the mask that keeps packed responses apart; {PLAIN_LAYOUT}'
            )

    def key_bounds(self, device: torch.device) -> KeyBounds:
        """Give what flash-attn wants to know; all layers of a model ask for the same."""
        if self._key_bounds is None:
            self._key_bounds = KeyBounds.of(self.sequences, device)
        return self._key_bounds

    def dim(self) -> int:
        """Give 4: a mask that transformers takes as it is."""
        return 4


def enable_sequences(llm: nn.Module) -> None:
    """Let a causal language model take a `SequenceMask` as its attention mask.

    Raises:
        ValueError: for a model, or a transformers, whose attention is not known to respect it.
    """
    model = causal_lm(llm)
    config = model.config
    if config._attn_implementation == NAME:
        return
    check_transformers()
    problem = _obstacle(model)
    if problem:
        raise ValueError(
            f'{problem}, so pairs can neither be packed nor share their prompt; {PLAIN_LAYOUT}'
        )
    config._attn_implementation = NAME


@contextmanager
def ordinary_attention(llm: nn.Module) -> Iterator[None]:
    """Let a model attend by torch's own attention for as long as the block lasts."""
    config = causal_lm(llm).config
    name, config._attn_implementation = config._attn_implementation, 'sdpa'
    try:
        yield
    finally:
        config._attn_implementation = name


def _obstacle(model: Any) -> str | None:
    config, kind = model.config, model.config.model_type
    # Code of a model folder, or of another version of transformers, may not call what is set here.
    interface = hasattr(sys.modules[type(model).__module__], 'ALL_ATTENTION_FUNCTIONS')
    if kind not in MODEL_TYPES or not interface:
        return f'attention within sequences is not known to be exact for a model of type {kind!r}'
    window = getattr(config, 'sliding_window', None)
    if window and getattr(config, 'use_sliding_window', True):
        return f'the model looks at the last {window} tokens only (sliding_window)'
    return None


def sequence_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: SequenceMask | Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend as `transformers` asks for it; an ordinary mask gets ordinary attention.

    Args:
        module: the attention layer.
        query: (rows, heads, length, head size); ``key`` and ``value`` may have fewer heads.
        key: see ``query``.
        value: see ``query``.
        attention_mask: the sequences.
        dropout: of the attention weights.
        scaling: of the scores.
        options: of other attention functions.

    Returns:
        (rows, length, heads, head size), and None for the weights.
    """
    if not isinstance(attention_mask, SequenceMask):
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
        return result
    attention_mask.note_layer()
    # In autocast the rotation leaves queries and keys in fp32, which not every kernel takes.
    query, key = query.to(value.dtype), key.to(value.dtype)
    rows, _, length, _ = query.shape
    if can_flash(query):
        bounds = attention_mask.key_bounds(query.device)
        return flash_attention(query, key, value, bounds, dropout, scaling), None
    groups = getattr(module, 'num_key_value_groups', 1)
    states = [_flatten(query), *(_flatten(repeat_kv(each, groups)) for each in (key, value))]
    parts = _attend(states, attention_mask.sequences, dropout_p=dropout, scale=scaling)
    joined = torch.cat(list(parts), dim=2)
    return joined.transpose(1, 2).unflatten(1, (rows, length)).squeeze(0), None


def _flatten(states: Tensor) -> Tensor:
    """Reshape (rows, heads, length, size) to (1, heads, rows * length, size)."""
    return states.transpose(0, 1).flatten(1, 2).unsqueeze(0)


def _attend(
    states: Sequence[Tensor], sequences: Sequence[Sequence[int]], **options: Any
) -> Iterator[Tensor]:
    """Attention of the queries of each sequence in turn, (1, heads, its length, size).

    ``states`` are queries, keys and values, (1, heads, length of all, size) each.
    """
    # Split, not sliced: the gradient of a slice is as large as the whole it was cut from.
    lengths = [end - start for start, end, _, _ in sequences]
    parts = zip(*(each.split(lengths, dim=2) for each in states), strict=True)
    by_start: dict[int, tuple[Tensor, Tensor]] = {}
    for (start, _, prefix_start, prefix_end), (queries, keys, values) in zip(
        sequences, parts, strict=True
    ):
        by_start[start] = keys, values
        if prefix_start == prefix_end:
            yield F.scaled_dot_product_attention(queries, keys, values, is_causal=True, **options)
            continue
        prefix = (each[:, :, : prefix_end - prefix_start] for each in by_start[prefix_start])
        keys, values = (
            torch.cat((before, own), dim=2)
            for before, own in zip(prefix, (keys, values), strict=True)
        )
        mask = causal_lower_right(queries.shape[2], keys.shape[2])
        yield F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, **options)


ALL_ATTENTION_FUNCTIONS[NAME] = sequence_attention_forward
