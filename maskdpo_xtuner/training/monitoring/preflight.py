"""What a training is about to do, said before its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dist import get_world_size, master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS
from torch import nn

from maskdpo_xtuner.batches.lengths import PairLengths, pair_lengths
from maskdpo_xtuner.modeling.recomputation import recomputed_layers
from maskdpo_xtuner.training.checks import accumulative_counts, optimizer_steps
from maskdpo_xtuner.training.monitoring.disk import describe_checkpoints
from maskdpo_xtuner.training.monitoring.memory import MemorySettings, ModelShape, estimate_memory

LAYOUT = ('pack', 'share_prompt', 'cut_tail')
PLAIN = dict.fromkeys(LAYOUT, False)


@HOOKS.register_module()
class PreflightHook(Hook):  # type: ignore[misc]
    """Log data, steps, shortcuts, checkpoints and an estimate of the memory before the first step.

    And, when the training has ended, what comes next.
    """

    @master_only  # type: ignore[untyped-decorator]
    def before_train(self, runner: Any) -> None:
        """Log one line each."""
        for line in preflight_lines(runner):
            runner.logger.info(line)

    @master_only  # type: ignore[untyped-decorator]
    def after_train(self, runner: Any) -> None:
        """Name the commands that make a model of the checkpoint and evaluate it."""
        runner.logger.info(
            'the training has ended; next: `maskdpo convert pth_to_hf CONFIG '
            f'"$(cat {runner.work_dir}/last_checkpoint)" FOLDER --safe-serialization` with '
            'the --cfg-options of the training, then `maskdpo evaluate DATA_CONFIG --models base '
            'aligned=FOLDER`'
        )


def preflight_lines(runner: Any) -> Iterator[str]:
    """Describe the training of a runner that is ready to begin."""
    loader = runner.train_dataloader
    lengths = pair_lengths(loader.dataset)
    collate = runner.cfg.train_dataloader.collate_fn
    layout = {name: collate.get(name, True) for name in LAYOUT}
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    yield _describe_pairs(lengths, _pairs_file(runner.cfg))
    yield _describe_tokens(lengths, list(loader.batch_sampler), layout)
    yield _describe_steps(runner)
    yield _describe_shortcuts(model, layout)
    shape, memory = _memory_settings(runner, model, 0)
    trained = memory.trainable or 0
    yield f'{trained:,} of {shape.parameters:,} parameters are trained'
    yield describe_checkpoints(runner, shape.parameters, trained, memory.weight_bytes)
    tokens = largest_row(lengths, layout, loader.batch_size, _row_tokens(runner))
    yield f'memory of a GPU, estimated: {estimate_memory(*_memory_settings(runner, model, tokens))}'


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


def _row_tokens(runner: Any) -> int | None:
    """The setting of `MaskDPOTrainLoop`; XTuner's own loop has none."""
    limit: int | None = getattr(runner.train_loop, 'row_tokens', None)
    return limit


def _pairs_file(cfg: Any) -> str:
    """Say where the pairs come from, where the config says it."""
    data = cfg.train_dataloader.get('dataset')
    pairs = data.get('dataset') if isinstance(data, dict) else None
    path = pairs.get('path') if isinstance(pairs, dict) else None
    return f'{path}: ' if path else ''


def _describe_pairs(lengths: PairLengths, file: str) -> str:
    tokens, supervised = int(lengths.lengths.sum()), int(lengths.supervised.sum())
    longest = int(lengths.lengths.sum(axis=1).max())
    alone = ' (their chosen responses alone)' if lengths.lengths.shape[1] == 1 else ''
    return (
        f'{file}{len(lengths.shared):,} pairs{alone} of {tokens:,} tokens, {supervised:,} of them '
        f'({supervised / tokens:.1%}) supervised; the longest pair has {longest:,}'
    )


def _describe_tokens(
    lengths: PairLengths, batches: Sequence[Sequence[int]], layout: Mapping[str, bool]
) -> str:
    counters = [token_counter(lengths, each) for each in (layout, PLAIN)]
    computed, padded = (sum(map(tokens_of, batches)) for tokens_of in counters)
    return (
        f'a rank computes {computed:,} tokens an epoch ({computed / padded:.1%} of the {padded:,} '
        'that responses padded to the longest of their batch have)'
    )


def _describe_steps(runner: Any) -> str:
    batch, ranks = runner.train_dataloader.batch_size, get_world_size()
    accumulated = accumulative_counts(runner.cfg)
    epochs = runner.max_iters / len(runner.train_dataloader)
    steps = optimizer_steps(runner.max_iters, runner.cfg)
    limit = _row_tokens(runner)
    rows = '' if limit is None else f', in rows of at most {limit:,} tokens'
    return (
        f'{epochs:g} epochs, {steps:,} optimizer steps of '
        f'{batch * ranks * accumulated} pairs ({ranks} ranks x {batch} pairs x {accumulated} '
        f'accumulated){rows}'
    )


def _describe_shortcuts(model: Any, layout: Mapping[str, bool]) -> str:
    state = {**layout, 'logits.supervised_only': model.logits.supervised_only}
    settings = ', '.join(f'{name} {"on" if on else "off"}' for name, on in state.items())
    reference = model.reference or 'none'
    return f'{settings}; reference: {reference}; activations: {_describe_activations(model)}'


def _describe_activations(model: Any) -> str:
    total = model.llm.config.num_hidden_layers
    again = recomputed_layers(total, model.recomputed_share)
    if again in (0, total):
        return 'recomputed' if again else 'kept'
    return f'recomputed in {again} of {total} layers'


def _memory_settings(runner: Any, model: Any, tokens: int) -> tuple[ModelShape, MemorySettings]:
    counts = [(_size(weight), weight) for weight in model.llm.parameters()]
    parameters = sum(size for size, _ in counts)
    settings = MemorySettings(
        tokens=tokens,
        logits=model.logits.chunk_size if model.logits.supervised_only else None,
        trainable=sum(size for size, weight in counts if weight.requires_grad),
        weight_bytes=sum(size * weight.element_size() for size, weight in counts) / parameters,
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


def _size(weight: nn.Parameter) -> int:
    """Elements of a parameter, also where ZeRO-3 has partitioned it."""
    return int(getattr(weight, 'ds_numel', weight.numel()))
