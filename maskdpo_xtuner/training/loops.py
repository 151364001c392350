"""The training loop: XTuner's, with what the rest of the config says passed on to its data."""

from __future__ import annotations

from functools import partial
from typing import Any

from mmengine.registry import DATASETS, FUNCTIONS, LOOPS, MODELS
from torch.utils.data import DataLoader
from xtuner.engine.runner import TrainLoop

from maskdpo_xtuner.training.batches.samplers import LengthBalancedSampler
from maskdpo_xtuner.training.model import MaskDPO
from maskdpo_xtuner.training.reference import attach_reference, reference_source


@LOOPS.register_module()
class MaskDPOTrainLoop(TrainLoop):
    """XTuner's `TrainLoop`; its data loader takes from the config what it does not say itself.

    A data set that names no tokenizer gets the config's ``tokenizer``, a `LengthBalancedSampler`
    the batch size and the accumulation. So what is given once by ``--cfg-options`` holds. Items
    get the reference log-probabilities that the model takes from them (see `with_reference`).
    """

    def __init__(self, runner: Any, dataloader: DataLoader | dict[str, Any], **kwargs: Any) -> None:
        if isinstance(dataloader, dict):
            dataloader['dataset'].setdefault('tokenizer', runner.cfg.tokenizer)
            _complete_sampler(dataloader, runner.cfg)
            dataloader = with_reference(dataloader, runner)
        super().__init__(runner, dataloader, **kwargs)


def with_reference(dataloader: dict[str, Any], runner: Any) -> dict[str, Any]:
    """Build the data set of a data loader with what a `MaskDPO` reads of the reference model.

    Args:
        dataloader: config, for training or validation.
        runner: of mmengine.

    Returns:
        The config with the data set, whose items have the log-probabilities of the reference; the
        config as it is for a model that takes none from its batches.
    """
    model = runner.cfg.model
    kind = MODELS.get(model.type) if isinstance(model.type, str) else model.type
    if not issubclass(kind, MaskDPO):
        return dataloader
    if reference_source(model.get('loss_type', 'sigmoid'), model.get('reference')) != 'cached':
        return dataloader
    pairs = DATASETS.build(dataloader['dataset'])
    collate = dict(dataloader['collate_fn'])
    function = collate.pop('type')
    if isinstance(function, str):
        function = FUNCTIONS.get(function)
    pairs = attach_reference(pairs, runner, partial(function, **collate))
    return {**dataloader, 'dataset': pairs}


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
