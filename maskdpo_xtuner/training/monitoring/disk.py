"""How much disk the checkpoints of a training take, said before its first step."""

from __future__ import annotations

import shutil
from typing import Any

from mmengine.hooks import CheckpointHook

from maskdpo_xtuner.training.checkpoints import StepCheckpointHook
from maskdpo_xtuner.training.checks import optimizer_steps

GIB = 2**30


def describe_checkpoints(runner: Any, parameters: int, trainable: int, weight_bytes: float) -> str:
    """Say when there are checkpoints, and what disk they take at most.

    Args:
        runner: of mmengine, ready to train.
        parameters: of the policy.
        trainable: those that are trained; with LoRA a checkpoint has no others.
        weight_bytes: of a parameter, at the mean.
    """
    hook = next((each for each in runner.hooks if isinstance(each, CheckpointHook)), None)
    if hook is None:
        return 'checkpoints: none'
    saved = trainable if trainable < parameters else parameters
    # Two moments, and under DeepSpeed fp32 weights beside those that compute.
    state = 12 if 'strategy' in runner.cfg else 8
    size = saved * weight_bytes + trainable * state
    number = _most_at_once(runner, hook)
    free = shutil.disk_usage(runner.work_dir).free
    line = (
        f'checkpoints: {_when(hook)}; {size / GIB:.1f} GiB each, {number * size / GIB:.1f} GiB at '
        f'most ({number} of them) of the {free / GIB:.1f} GiB that are free in {runner.work_dir}'
    )
    return f'{line}: TOO LITTLE' if number * size > free else line


def _when(hook: CheckpointHook) -> str:
    unit = 'optimizer steps' if isinstance(hook, StepCheckpointHook) else 'iterations'
    interval = getattr(hook, 'steps', hook.interval)
    end = ['at the end'] if hook.save_last else []
    return ' and '.join([*([f'every {interval} {unit}'] if interval > 0 else []), *end]) or 'none'


def _most_at_once(runner: Any, hook: CheckpointHook) -> int:
    """Checkpoints there are at most; a new one is written before the oldest is removed."""
    total = runner.max_iters
    interval = getattr(hook, 'steps', hook.interval)
    if isinstance(hook, StepCheckpointHook):
        total = optimizer_steps(total, runner.cfg)
    made = (total // interval if interval > 0 else 0) + int(
        bool(hook.save_last) and (interval <= 0 or total % interval > 0)
    )
    return min(made, hook.max_keep_ckpts + 1) if hook.max_keep_ckpts > 0 else made
