"""Activation checkpointing: which decoder layers are computed again in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.integrations import is_deepspeed_zero3_enabled

from maskdpo_xtuner.modeling.heads import causal_lm, decoder_layers


def recompute_layers(llm: nn.Module, share: float) -> None:
    """Recompute the first layers of a model in the backward pass and keep the others' activations.

    The backward pass begins with the last layers, so what is kept is gone before the first layer
    is computed again. On a GPU a layer is computed again only as far as its gradients need: its
    last product, about a quarter of it, is left out (see `leaves_early`).

    Args:
        llm: a causal language model of transformers with activation checkpointing enabled, with
            LoRA or without.
        share: of the layers that is recomputed, rounded to whole layers.

    Raises:
        ValueError: for a share outside of (0, 1], and for a model whose layers cannot be told
            apart.
    """
    if not 0 < share <= 1:
        raise ValueError(
            f'model.use_activation_checkpointing must be True, False or a share of the layers '
            f'between 0 and 1, not {share}'
        )
    callers = _callers(llm)
    if not tells_layers_apart(llm):
        if share == 1:
            return
        raise ValueError(
            f'{type(causal_lm(llm)).__name__} has all of its layers recomputed or none; set '
            'model.use_activation_checkpointing=True, or False'
        )
    layers = decoder_layers(llm)
    recomputed = frozenset(layers[: recomputed_layers(len(layers), share)])

    def call(layer: Callable[..., Any], *inputs: Any) -> Any:
        """Stand in for `checkpoint`; ``layer`` is the bound ``__call__`` of a layer."""
        if _owner(layer) not in recomputed:
            return layer(*inputs)
        return checkpoint(layer, *inputs, use_reentrant=not leaves_early(inputs[0]))

    for caller in callers:
        caller._gradient_checkpointing_func = call


def _owner(call: Any) -> Any:
    """The layer of a bound ``__call__``, which may have been given options."""
    return getattr(call, 'func', call).__self__


def tells_layers_apart(llm: nn.Module) -> bool:
    """Tell whether a model with activation checkpointing enabled can recompute single layers."""
    return bool(_callers(llm) and decoder_layers(llm))


def _callers(llm: nn.Module) -> list[Any]:
    """Modules that call the function: the decoder until transformers 4.52, each layer from 4.53."""
    return [part for part in llm.modules() if hasattr(part, '_gradient_checkpointing_func')]


def leaves_early(hidden: Tensor) -> bool:
    """Tell whether recomputation of a layer stops where its gradients need no more.

    Not under ZeRO-3, where DeepSpeed gathers and frees the weights in hooks that must all run. Nor
    on a CPU, where it takes as long and scatters the heap: 0.9 GiB more are held for the demo's
    model (`benchmarks/train_step.py`).

    Args:
        hidden: (rows, length, hidden size), what the layer gets.
    """
    return hidden.is_cuda and not is_deepspeed_zero3_enabled()


def recomputed_layers(layers: int, share: float) -> int:
    """Count the layers that a share is."""
    return round(layers * share)
