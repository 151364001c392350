"""From a batch to the log-probabilities of its supervised tokens, with the logits they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from maskdpo_xtuner.modeling.attention import SequenceMask, enable_sequences
from maskdpo_xtuner.modeling.heads import hidden_states, output_logits
from maskdpo_xtuner.modeling.layers import takes
from maskdpo_xtuner.objectives.logps import Head, chunked_token_logps, token_logps

INPUTS = ('input_ids', 'position_ids', 'attention_mask')


@dataclass(frozen=True)
class LogitsSettings:
    """How logits are made; the results agree to rounding.

    Attributes:
        supervised_only: make logits of supervised tokens only, a chunk at a time; else those of
            every position at once, as the model's own forward pass does.
        chunk_size: tokens of a chunk. A chunk of 512 takes 0.25 GiB in fp32 with the 128,256
            tokens of Llama-3's vocabulary, a few times over.
        fp32: multiply hidden states and head in fp32 also when they are bf16 or fp16.
    """

    supervised_only: bool = True
    chunk_size: int = 512
    fp32: bool = False

    def __post_init__(self) -> None:
        if self.chunk_size < 1:
            raise ValueError(f'logits.chunk_size must be positive, not {self.chunk_size}')
        if self.fp32 and not self.supervised_only:
            raise ValueError('logits.fp32 needs logits.supervised_only')

    def head(self, llm: nn.Module) -> Head:
        """The model's head, from hidden states to logits."""
        return partial(output_logits, llm, fp32=self.fp32)


def supervised_logps(
    llm: nn.Module, data: Mapping[str, Tensor], settings: LogitsSettings
) -> Tensor:
    """Log-probabilities of the supervised tokens of a batch, (supervised,), fp32 at least.

    Args:
        llm: a causal language model of transformers, with LoRA or without.
        data: of `mask_preference_collate_fn`.
        settings: how logits are made.

    Raises:
        ValueError: for a layout that the model is not known to compute exactly, or does not.
    """
    if settings.supervised_only:
        hidden = supervised_hidden_states(llm, data)
        return chunked_token_logps(hidden, settings.head(llm), data['targets'], settings.chunk_size)
    with _inputs(llm, data) as inputs:
        logits = llm(**inputs).logits.flatten(0, 1)
    return token_logps(logits[data['predictors']], data['targets'])


def supervised_hidden_states(llm: nn.Module, data: Mapping[str, Tensor]) -> Tensor:
    """The last hidden states that predict supervised tokens, (supervised, hidden size)."""
    with _inputs(llm, data) as inputs:
        states = hidden_states(llm, inputs)
    return states.flatten(0, 1)[data['predictors']]


@contextmanager
def _inputs(llm: nn.Module, data: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    """What the model reads in the block; its mask has to reach every layer there."""
    inputs: dict[str, Any] = {name: data[name] for name in INPUTS if name in data}
    if takes(llm, 'use_cache'):  # Else keys and values of every layer are copied and kept.
        inputs['use_cache'] = False
    if 'sequences' not in data:
        if not takes(llm, 'position_ids'):  # They are those that the model counts by itself.
            inputs.pop('position_ids', None)
        yield inputs
        return
    enable_sequences(llm)
    mask = SequenceMask(data['sequences'])
    yield {**inputs, 'attention_mask': mask}
    mask.check_layers(llm)
