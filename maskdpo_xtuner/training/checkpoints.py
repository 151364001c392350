"""Checkpoints from which a training can go on as if it had never stopped."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS

from maskdpo_xtuner.training.checks import accumulative_counts


@HOOKS.register_module()
class StepCheckpointHook(CheckpointHook):  # type: ignore[misc]
    """mmengine's `CheckpointHook` whose interval counts optimizer steps, so that none lies between.

    Gradients that have been accumulated so far are in no checkpoint. The last checkpoint, after the
    end, is made in any case (``save_last``). Files are named by iterations, as mmengine names them.

    Args:
        interval: optimizer steps between checkpoints; -1: none before the end.
        save_begin: optimizer steps before the first.
        kwargs: of `CheckpointHook`, such as ``max_keep_ckpts``.
    """

    def __init__(self, interval: int = -1, save_begin: int = 0, **kwargs: Any) -> None:
        self.steps, self.begin_steps = interval, save_begin
        super().__init__(interval=interval, save_begin=save_begin, by_epoch=False, **kwargs)

    def before_train(self, runner: Any) -> None:
        """Turn optimizer steps into iterations."""
        counts = accumulative_counts(runner.cfg)
        self.interval, self.save_begin = self.steps * counts, self.begin_steps * counts
        super().before_train(runner)
