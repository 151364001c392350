"""Trainings that would end well but did nothing, or something else: refused at their start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from maskdpo_xtuner.training.adapters import refers_to_start

LOW = (torch.bfloat16, torch.float16)
START_NOISE = {torch.float64: 1e-7, torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""Typical error of a log-probability in nats, between two orders of the same sums."""


def accumulative_counts(cfg: Any) -> int:
    """Micro-batches of an optimizer step on each rank, with DeepSpeed or without."""
    if 'strategy' in cfg and 'gradient_accumulation_steps' in cfg.strategy:
        return int(cfg.strategy.gradient_accumulation_steps)
    return int(cfg.optim_wrapper.get('accumulative_counts', 1))


def optimizer_steps(max_iters: int, cfg: Any) -> int:
    """Optimizer steps of a training of ``max_iters`` batches.

    At the end mmengine steps on what has been accumulated; DeepSpeed leaves it out.
    """
    full, rest = divmod(max_iters, accumulative_counts(cfg))
    return full + int(rest > 0 and 'strategy' not in cfg)


def check_steps(max_iters: int, cfg: Any) -> None:
    """Refuse a training without an optimizer step.

    Args:
        max_iters: batches of the whole training on a rank.
        cfg: the whole config.

    Raises:
        ValueError: with what to lower.
    """
    if not optimizer_steps(max_iters, cfg):
        raise ValueError(
            f'the whole training has {max_iters} batches, and an optimizer step takes '
            f'{accumulative_counts(cfg)}: no weight would change. Lower '
            'optim_wrapper.accumulative_counts or train_dataloader.batch_size, or train on more '
            'pairs or epochs'
        )


def check_weights(model: Any, cfg: Any) -> None:
    """Refuse to step on bf16 or fp16 weights themselves, most of which would stay as they are.

    At the paper's rate a step is far below the spacing of bf16 around most weights. DeepSpeed keeps
    fp32 weights beside them.

    Args:
        model: of the runner; a config, as it is with DeepSpeed, passes.
        cfg: the whole config.

    Raises:
        ValueError: with the ways to train.
    """
    if 'strategy' in cfg or not isinstance(model, nn.Module):
        return
    kinds = {weight.dtype for weight in model.parameters() if weight.requires_grad}
    low = sorted(str(kind).removeprefix('torch.') for kind in kinds.intersection(LOW))
    if low:
        raise ValueError(
            f'the weights are {low[0]}, in which steps this small are lost: train with --deepspeed '
            'zero2, which keeps fp32 weights beside them, or load them by '
            'model.llm.torch_dtype=torch.float32 (optim_wrapper.type=AmpOptimWrapper '
            'optim_wrapper.dtype=bfloat16 then computes in bf16)'
        )


def check_resumed(runner: Any, to_the_end: bool = True) -> None:
    """Refuse to go on from a checkpoint from which the training would become another one.

    Args:
        runner: of mmengine, with what it has loaded.
        to_the_end: whether the learning rate schedule has to end with the training.

    Raises:
        ValueError: for a checkpoint between two optimizer steps, whose gradients so far are lost,
            and for one whose learning rate schedule is for a training of another length.
    """
    done, total = runner.train_loop.iter, runner.train_loop.max_iters
    if not done:
        return
    counts = accumulative_counts(runner.cfg)
    if done % counts and done < total:
        raise ValueError(
            f'the checkpoint after {done} iterations lies between two optimizer steps (of {counts} '
            'iterations each), and the gradients of the last one are lost. Resume from one of '
            f'a multiple of {counts}; default_hooks.checkpoint.type=StepCheckpointHook makes only '
            'such'
        )
    ends = {int(scheduler.end) for scheduler in _schedulers(runner) if scheduler.end < total * 1e3}
    if to_the_end and ends and max(ends) != total:
        raise ValueError(
            f'the learning rate schedule of the checkpoint ends after {max(ends)} iterations, this '
            f'training after {total}. Resume with the train_cfg.max_epochs (and the pairs and '
            'batch sizes) that it had; to train longer, convert it and begin anew from the model'
        )


def _schedulers(runner: Any) -> Iterable[Any]:
    found = runner.param_schedulers or []
    return found if isinstance(found, list) else [each for kind in found.values() for each in kind]


def starts_at_reference(runner: Any) -> bool:
    """Tell whether the policy that trains first is the very model that is its reference."""
    model = runner.cfg.model
    has_start = refers_to_start(model)
    starts_at_base = (model.get('lora') or {}).get('init_lora_weights', True) is True
    return (
        not runner.train_loop.iter
        and getattr(runner, '_load_from', None) is None
        and not any(model.get(key) for key in ('ref_llm', 'tokenizer'))
        and (has_start if model.get('peft_model') else starts_at_base)
    )


def check_start(
    shifts: Tensor, counts: Tensor, places: Sequence[str], precision: torch.dtype
) -> None:
    """Compare policy and reference before the first step, where they are the same model.

    What is left of the loss then is ln 2 for each pair, whatever the pairs say.

    Args:
        shifts: (pairs, sides), sums of the log-ratios over the supervised tokens.
        counts: (pairs, sides), supervised tokens.
        places: of the pairs.
        precision: in which both models compute.

    Raises:
        ValueError: when they differ by more than rounding.
    """
    error = (shifts.detach().double() / counts).abs()
    # The errors of single tokens partly cancel; what they have in common stays.
    limit = START_NOISE[precision] * (0.2 + 4 / counts.double().sqrt())
    wrong = (error > limit).any(dim=1).nonzero().flatten().tolist()
    if wrong:
        index = wrong[0]
        raise ValueError(
            f'{places[index]}: before the first step policy and reference are the same model, and '
            f'yet differ by {float(error[index].max()):.2g} a token ({len(wrong)} of {len(places)} '
            'pairs): the reference log-probabilities are not of this model. Remove their folder, '
            "which the log names, or set model.reference='model'"
        )


def has_dropout(llm: nn.Module, *, lora: bool = False) -> bool:
    """Tell whether a model computes otherwise in training; its LoRA counts if it is asked for."""
    parts = [part for name, part in llm.named_modules() if lora or 'lora_dropout' not in name]
    dropped = any(isinstance(part, nn.Dropout) and part.p > 0 for part in parts)
    config = getattr(llm, 'config', None)
    return dropped or float(getattr(config, 'attention_dropout', 0.0) or 0.0) > 0


def refuse_rejected(loss_type: str, data: Mapping[str, Tensor], places: Sequence[str]) -> None:
    """Refuse a batch of both responses for a loss of the chosen ones alone."""
    if len(data['counts']) != len(places):
        raise ValueError(
            f'loss_type {loss_type!r} takes batches of chosen responses alone, which '
            'train_cfg.type=MaskDPOTrainLoop makes of the pairs'
        )
