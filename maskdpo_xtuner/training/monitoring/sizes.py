"""The sizes of a training that is ready to begin: tokens of its rows, what memory depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dist import get_world_size
from torch import nn

from maskdpo_xtuner.batches.lengths import PairLengths, pair_lengths
from maskdpo_xtuner.training.monitoring.memory import MemorySettings, ModelShape

LAYOUT = ('pack', 'share_prompt', 'cut_tail')


def layout_of(runner: Any) -> dict[str, bool]:
    """``pack``, ``share_prompt`` and ``cut_tail`` of the collate function in the config."""
    collate = runner.cfg.train_dataloader.collate_fn
    return {name: collate.get(name, True) for name in LAYOUT}


def row_tokens(runner: Any) -> int | None:
    """The setting of `MaskDPOTrainLoop`; XTuner's own loop has none."""
    limit: int | None = getattr(runner.train_loop, 'row_tokens', None)
    return limit


def token_counter(
    lengths: PairLengths, layout: Mapping[str, bool]
) -> Callable[[Sequence[int]], int]:
    """Count the tokens of the rows that `mask_preference_collate_fn` makes of some pairs.

    Args:
        lengths: of all pairs.
        layout: ``pack``, ``share_prompt`` and ``cut_tail`` as the function has them.

    Returns:
        A function of the pairs' indices; it counts padding, too.
    """
    cut, share, pack = (layout[name] for name in ('cut_tail', 'share_prompt', 'pack'))
    sides = lengths.lengths.shape[1]
    pairs = lengths.computed(share_prompt=share, cut_tail=cut)
    responses = (lengths.predicting if cut else lengths.lengths).max(axis=1)
    if pack:
        return lambda batch: int(pairs[batch].sum())
    if share:
        return lambda batch: len(batch) * int(pairs[batch].max())
    return lambda batch: sides * len(batch) * int(responses[batch].max())


def largest_row(
    lengths: PairLengths, layout: Mapping[str, bool], batch_size: int, row_tokens: int | None
) -> int:
    """The tokens, padding included, of the largest input that the model may get.

    Args:
        lengths: of all pairs.
        layout: see `token_counter`.
        batch_size: pairs of a batch.
        row_tokens: of `MaskDPOTrainLoop`.
    """
    longest = np.argsort(lengths.computed())[-batch_size:].tolist()
    tokens = token_counter(lengths, layout)(longest)
    return tokens if row_tokens is None else min(tokens, row_tokens)


def memory_of(runner: Any, model: Any) -> tuple[ModelShape, MemorySettings]:
    """What the memory of a GPU depends on.

    Args:
        runner: of mmengine, ready to train.
        model: its `MaskDPO`.
    """
    loader = runner.train_dataloader
    lengths = pair_lengths(loader.dataset)
    counts = [(_elements(weight), weight) for weight in model.llm.parameters()]
    parameters = sum(size for size, _ in counts)
    settings = MemorySettings(
        tokens=largest_row(lengths, layout_of(runner), loader.batch_size, row_tokens(runner)),
        logits=model.logits.chunk_size if model.logits.supervised_only else None,
        trainable=sum(size for size, weight in counts if weight.requires_grad),
        weight_bytes=sum(map(_bytes, model.llm.parameters())) / parameters,
        reference=model.ref_llm is not None,
        world_size=get_world_size(),
        recomputed=model.recomputed_share,
        **_zero_settings(runner.model),
    )
    return ModelShape.of(model.llm.config, parameters), settings


def _zero_settings(model: Any) -> dict[str, Any]:
    """Read what DeepSpeed's engine was told, if there is one."""
    if not hasattr(model, 'zero_optimization_stage'):
        return {'zero_stage': 0}
    return {
        'zero_stage': model.zero_optimization_stage(),
        'offload_optimizer': bool(model.zero_offload_optimizer()),
        'offload_weights': bool(model.zero_offload_param()),
    }


def _stored(weight: nn.Parameter) -> int:
    """Numbers that a parameter is kept in, also where ZeRO-3 has partitioned it."""
    return int(getattr(weight, 'ds_numel', weight.numel()))


def _bytes(weight: nn.Parameter) -> int:
    return _stored(weight) * weight.element_size()


def _elements(weight: nn.Parameter) -> int:
    """Elements of a parameter; bitsandbytes keeps two of 4 bits in a byte."""
    state = getattr(weight, 'quant_state', None)
    return _stored(weight) if state is None else math.prod(state.shape)
