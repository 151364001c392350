"""Attention within sequences that lie end to end, two of which may share their beginning.

A sequence is (start, end, prefix start, prefix end), indices into the flattened rows: the tokens
from start to end, which see each other causally and, all of them, the tokens of the prefix. The
sequences of a batch cover its rows in order; a prefix is the beginning of an earlier sequence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from typing_extensions import Self

from maskdpo_xtuner.modeling.flash import KeyBounds, can_flash, flash_attention
from maskdpo_xtuner.modeling.heads import causal_lm, text_config
from maskdpo_xtuner.modeling.layers import sequences_obstacle
from maskdpo_xtuner.modeling.versions import ALL_MASK_ATTENTION_FUNCTIONS, check_transformers

NAME = 'sequences'
PLAIN_LAYOUT = (
    'set train_dataloader.collate_fn.pack=False, train_dataloader.collate_fn.share_prompt=False '
    'and train_cfg.row_tokens=None'
)


HARMLESS = frozenset(
    {
        *('cache_position', 'deterministic', 'is_causal', 'output_attentions', 'position_ids'),
        *('output_hidden_states', 'return_dict', 'use_cache'),
        'sliding_window',  # The mask has it.
    }
)
"""Options of attention functions that do not change what is computed here."""
KNOWN_FOR = {'s_aux': 'sinks', 'softcap': 'capped scores'}
"""What options do that are not computed here."""


class SequenceMask:
    """Takes the place of an attention mask of four dimensions on its way through the model."""

    def __init__(self, sequences: Tensor) -> None:
        """Take the rows of ``sequences``, (sequences, 4); those without tokens are left out."""
        self.sequences: list[list[int]] = [row for row in sequences.tolist() if row[0] < row[1]]
        self.window: int | None = None
        self._key_bounds: KeyBounds | None = None
        self._layers_reached = [0]

    def within(self, window: int | None) -> Self:
        """The same mask for layers in which a token sees ``window`` tokens, itself included."""
        if window == self.window:
            return self
        other = copy.copy(self)
        other.window = window
        return other

    def note_layer(self) -> None:
        """Count a layer that attended within the sequences."""
        self._layers_reached[0] += 1

    def check_layers(self, llm: nn.Module) -> None:
        """Make sure that every layer of a model got this mask.

        A layer without it takes all sequences for one, in which later ones see earlier ones.

        Raises:
            ValueError: after a forward pass in which one did not.
        """
        layers, (reached,) = text_config(llm).num_hidden_layers, self._layers_reached
        if reached < layers:
            raise ValueError(
                f'{reached} of {layers} layers of {type(causal_lm(llm)).__name__} got '
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

    ndim = property(dim)


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
    problem = sequences_obstacle(model)
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

    Raises:
        ValueError: for an option that is not known, and would change the weights.
    """
    if not isinstance(attention_mask, SequenceMask):
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
        return result
    _refuse(options)
    attention_mask.note_layer()
    # In autocast the rotation leaves queries and keys in fp32, which not every kernel takes.
    query, key = query.to(value.dtype), key.to(value.dtype)
    rows, _, length, _ = query.shape
    if can_flash(query, value):
        bounds = attention_mask.key_bounds(query.device)
        window = attention_mask.window
        return flash_attention(query, key, value, bounds, dropout, scaling, window), None
    groups = query.shape[1] // key.shape[1]
    states = [_flatten(query), *(_flatten(repeat_kv(each, groups)) for each in (key, value))]
    parts = _attend(states, attention_mask, dropout_p=dropout, scale=scaling)
    joined = torch.cat(list(parts), dim=2)
    # Contiguous, as torch's own is handed back: some models take a view of it.
    return joined.transpose(1, 2).contiguous().unflatten(1, (rows, length)).squeeze(0), None


def _refuse(options: Mapping[str, Any]) -> None:
    unknown = sorted(
        f'{name} ({KNOWN_FOR[name]})' if name in KNOWN_FOR else name
        for name, value in options.items()
        if name not in HARMLESS and value is not None
    )
    if unknown:
        raise ValueError(
            f'the attention of this model asks for {", ".join(unknown)}, which is not computed '
            f'within sequences, so pairs can neither be packed nor share their prompt; '
            f'{PLAIN_LAYOUT}'
        )


def _flatten(states: Tensor) -> Tensor:
    """Reshape (rows, heads, length, size) to (1, heads, rows * length, size)."""
    return states.transpose(0, 1).flatten(1, 2).unsqueeze(0)


def _attend(states: Sequence[Tensor], mask: SequenceMask, **options: Any) -> Iterator[Tensor]:
    """Attention of the queries of each sequence in turn, (1, heads, its length, size).

    ``states`` are queries, keys and values, (1, heads, length of all, size) each.
    """
    # Split, not sliced: the gradient of a slice is as large as the whole it was cut from.
    lengths = [end - start for start, end, _, _ in mask.sequences]
    parts = zip(*(each.split(lengths, dim=2) for each in states), strict=True)
    by_start: dict[int, tuple[Tensor, Tensor]] = {}
    for (start, _, prefix_start, prefix_end), (queries, keys, values) in zip(
        mask.sequences, parts, strict=True
    ):
        by_start[start] = keys, values
        if prefix_start < prefix_end:
            prefix = (each[:, :, : prefix_end - prefix_start] for each in by_start[prefix_start])
            keys, values = (
                torch.cat((before, own), dim=2)
                for before, own in zip(prefix, (keys, values), strict=True)
            )
        seen = _seen(queries, keys, mask.window)
        yield F.scaled_dot_product_attention(queries, keys, values, **seen, **options)


def _seen(queries: Tensor, keys: Tensor, window: int | None) -> dict[str, Any]:
    """What tells torch which keys, of (..., length, size), each query sees."""
    length, total = queries.shape[2], keys.shape[2]
    if window is not None and window < total:
        band = torch.ones(length, total, dtype=torch.bool, device=queries.device)
        last = total - length
        return {'attn_mask': band.tril(last).triu(last - window + 1)}
    if length == total:
        return {'is_causal': True}
    return {'attn_mask': causal_lower_right(length, total)}


def sequence_mask(*args: Any, attention_mask: Any = None, **options: Any) -> Any:
    """Make the mask of a kind of layers as `transformers` asks for it since 4.53.

    Args:
        args: as of ``sdpa_mask`` of transformers.
        attention_mask: a `SequenceMask`, or an ordinary mask.
        options: as of ``sdpa_mask`` of transformers; ``local_size`` is the window of the layers.
    """
    if isinstance(attention_mask, SequenceMask):
        return attention_mask.within(options.get('local_size'))
    return ALL_MASK_ATTENTION_FUNCTIONS['sdpa'](*args, attention_mask=attention_mask, **options)


ALL_ATTENTION_FUNCTIONS[NAME] = sequence_attention_forward
if ALL_MASK_ATTENTION_FUNCTIONS is not None:
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, sequence_mask)
