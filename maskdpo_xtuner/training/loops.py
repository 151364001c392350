"""The training loop: XTuner's, with what the rest of the config says passed on to its data."""

from __future__ import annotations

from typing import Any

from mmengine.registry import LOOPS
from torch.utils.data import DataLoader
from xtuner.engine.runner import TrainLoop

from maskdpo_xtuner.training.samplers import LengthBalancedSampler


@LOOPS.register_module()
class MaskDPOTrainLoop(TrainLoop):
    """XTuner's `TrainLoop`; its data loader takes from the config what it does not say itself.

    A data set that names no tokenizer gets the config's ``tokenizer``, a `LengthBalancedSampler`
    the batch size and the accumulation. So what is given once by ``--cfg-options`` holds.
    """

    def __init__(self, runner: Any, dataloader: DataLoader | dict[str, Any], **kwargs: Any) -> None:
        if isinstance(dataloader, dict):
            dataloader['dataset'].setdefault('tokenizer', runner.cfg.tokenizer)
            _complete_sampler(dataloader, runner.cfg)
        super().__init__(runner, dataloader, **kwargs)


def accumulative_counts(cfg: Any) -> int:
    """Micro-batches of an optimizer step on each rank, with DeepSpeed or without."""
    if 'strategy' in cfg and 'gradient_accumulation_steps' in cfg.strategy:
        return int(cfg.strategy.gradient_accumulation_steps)
    return int(cfg.optim_wrapper.get('accumulative_counts', 1))


def _complete_sampler(dataloader: dict[str, Any], cfg: Any) -> None:
    sampler = dataloader.get('sampler')
    ours = (LengthBalancedSampler, LengthBalancedSampler.__name__)
    if isinstance(sampler, dict) and sampler['type'] in ours:
        sampler.setdefault('batch_size', dataloader['batch_size'])
        sampler.setdefault('accumulative_counts', accumulative_counts(cfg))
