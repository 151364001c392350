"""What a training is about to do, said before its first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.dist import get_world_size, master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

from maskdpo_xtuner.batches.lengths import PairLengths, pair_lengths
from maskdpo_xtuner.modeling.recomputation import recomputed_layers
from maskdpo_xtuner.training.adapters import describe_adapter
from maskdpo_xtuner.training.checks import accumulative_counts, optimizer_steps
from maskdpo_xtuner.training.monitoring.disk import describe_checkpoints
from maskdpo_xtuner.training.monitoring.memory import GIB, estimate_memory
from maskdpo_xtuner.training.monitoring.sizes import (
    LAYOUT,
    layout_of,
    memory_of,
    row_tokens,
    token_counter,
)

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
    layout = layout_of(runner)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    yield _describe_pairs(lengths, _pairs_file(runner.cfg))
    yield _describe_tokens(lengths, list(loader.batch_sampler), layout)
    yield _describe_steps(runner)
    yield _describe_shortcuts(model, layout)
    yield from describe_adapter(runner.cfg.get('model') or {})
    shape, memory = memory_of(runner, model)
    trained = memory.trainable or 0
    yield f'{trained:,} of {shape.parameters:,} parameters are trained'
    yield describe_checkpoints(runner, shape.parameters, trained, memory.weight_bytes)
    estimate = estimate_memory(shape, memory)
    yield f'memory of a process, estimated: {estimate}{_describe_budget(model)}'


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
    limit = row_tokens(runner)
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
    by_itself = '' if model.memory_budget is None else ' (auto)'
    if again in (0, total):
        return f'{"recomputed" if again else "kept"}{by_itself}'
    return f'recomputed in {again} of {total} layers{by_itself}'


def _describe_budget(model: Any) -> str:
    """Say what ``use_activation_checkpointing='auto'`` had to go by; else nothing."""
    budget = model.memory_budget
    return '' if budget is None else f'; {budget / GIB:.1f} GiB are there for this process'
