"""How many layers are computed again in the backward pass: as it is set, or as memory allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from mmengine.dist import all_reduce

from maskdpo_xtuner.modeling.heads import causal_lm
from maskdpo_xtuner.modeling.recomputation import recompute_layers, tells_layers_apart
from maskdpo_xtuner.training.monitoring.memory import MemorySettings, ModelShape, estimate_memory
from maskdpo_xtuner.training.monitoring.room import memory_for_training
from maskdpo_xtuner.training.monitoring.sizes import memory_of

AUTO = 'auto'
UNCERTAINTY = 1.3
"""What comes and goes in a step may be more than is estimated by this factor (see the tests)."""


def recomputed_share(setting: bool | float | str) -> float:
    """Share of the layers that a model is built to recompute; ``auto`` begins with all of them.

    Args:
        setting: ``model.use_activation_checkpointing``.

    Raises:
        ValueError: for another word.
    """
    if isinstance(setting, str) and setting != AUTO:
        raise ValueError(
            "model.use_activation_checkpointing must be True, False, 'auto' or a share of the "
            f'layers between 0 and 1, not {setting!r}'
        )
    return 1.0 if setting == AUTO else float(setting)


def least_share(
    shape: ModelShape, settings: MemorySettings, budget: float, *, by_layer: bool = True
) -> float:
    """Find the least share of recomputed layers with which a training fits the memory there is.

    Args:
        shape: of the model.
        settings: of the training.
        budget: bytes that it may take.
        by_layer: whether single layers may be recomputed, or all and none alone.

    Returns:
        0 where all activations can be kept; 1 where nothing less, or nothing at all, fits.
    """
    layers = shape.layers
    shares = [number / layers for number in range(layers)] if by_layer else [0.0]
    fitting = (share for share in shares if _needed(shape, settings, share) <= budget)
    return next(fitting, 1.0)


def _needed(shape: ModelShape, settings: MemorySettings, share: float) -> float:
    estimate = estimate_memory(shape, replace(settings, recomputed=share))
    return estimate.held + UNCERTAINTY * (estimate.total - estimate.held)


def choose_recomputation(runner: Any, model: Any) -> None:
    """Have a model recompute as few layers as its memory allows, on all ranks equally many.

    Args:
        runner: of mmengine, ready to train.
        model: its `MaskDPO`, which recomputes all; it gets ``recomputed_share`` and the
            ``memory_budget``, in bytes.
    """
    shape, settings = memory_of(runner, model)
    held = estimate_memory(shape, settings).held
    budget = torch.tensor(memory_for_training(held), dtype=torch.float64)
    # Under ZeRO-3 the ranks gather the weights of a layer together.
    all_reduce(budget, op='min')
    model.memory_budget = float(budget)
    by_layer = tells_layers_apart(model.llm)
    share = least_share(shape, settings, model.memory_budget, by_layer=by_layer)
    if share == 0:
        causal_lm(model.llm).gradient_checkpointing_disable()
    elif share < 1:
        recompute_layers(model.llm, share)
    model.recomputed_share = share
