"""Evaluation on held-out pairs while training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.optim import OptimWrapper
from mmengine.registry import LOOPS
from mmengine.runner import BaseLoop
from torch import Tensor

from maskdpo_xtuner.objectives import logged_means, pair_sums
from maskdpo_xtuner.training.loops import with_terms


@LOOPS.register_module()
class MaskDPOValLoop(BaseLoop):  # type: ignore[misc]
    """Loss, likelihood and rewards of pairs that are not trained on, as means over all of them.

    They are logged as ``val/loss``, ``val/rewards/accuracies``, ``val/rewards/margins`` and so on,
    every ``train_cfg.val_interval`` iterations and after the last. Each pair counts once,
    whatever the number of ranks.

    Args:
        runner: of mmengine.
        dataloader: config; what it does not say is as in ``train_dataloader``. The sampler is
            this loop's own: every pair, in the order of the data.
        evaluator: not used; mmengine wants a ``val_evaluator`` in the config, ``[]`` for one.
    """

    def __init__(self, runner: Any, dataloader: Mapping[str, Any], evaluator: Any = None) -> None:
        completed = complete_dataloader(dataloader, runner.cfg)
        super().__init__(runner, with_terms(completed, runner))
        self.evaluator = evaluator

    def run(self) -> dict[str, float]:
        """Evaluate; returns the metrics that are logged."""
        self.runner.call_hook('before_val')
        self.runner.call_hook('before_val_epoch')
        self.runner.model.eval()
        sums: defaultdict[str, float] = defaultdict(float)
        first = 0
        for index, batch in enumerate(self.dataloader):
            self.runner.call_hook('before_val_iter', batch_idx=index, data_batch=batch)
            values = self._pair_values(batch)
            pairs = len(values['loss'])
            new = _is_new(first, pairs, len(self.dataloader.dataset))
            counted = pair_sums({name: value[new] for name, value in values.items()})
            for name, total in counted.items():
                sums[name] += float(total)
            first += pairs
            self.runner.call_hook(
                'after_val_iter', batch_idx=index, data_batch=batch, outputs=values
            )
        metrics = _means(sums)
        self.runner.call_hook('after_val_epoch', metrics=metrics)
        self.runner.call_hook('after_val')
        return metrics

    @torch.no_grad()
    def _pair_values(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Give what `MaskDPO.predict` gives, in fp64 on the host."""
        with self._precision():
            values: dict[str, Tensor] = self.runner.model.val_step(batch)
        return {name: value.double().cpu() for name, value in values.items()}

    def _precision(self) -> AbstractContextManager[Any]:
        """The autocast of the training, if its optimizer wrapper has one."""
        wrapper = self.runner.optim_wrapper
        if isinstance(wrapper, OptimWrapper):
            context: AbstractContextManager[Any] = wrapper.optim_context(self.runner.model)
            return context
        return nullcontext()


def complete_dataloader(dataloader: Mapping[str, Any], cfg: Any) -> dict[str, Any]:
    """The config of a data loader for evaluation.

    Args:
        dataloader: ``val_dataloader`` of the config.
        cfg: the whole config, whose ``train_dataloader`` says what ``dataloader`` does not.
    """
    loader = Config({'loader': cfg.train_dataloader})
    loader.merge_from_dict({'loader': dataloader})
    completed: dict[str, Any] = loader.loader
    completed['dataset'].setdefault('tokenizer', cfg.tokenizer)
    # Rounded up, so that all ranks take part in every forward pass, as ZeRO-3 needs.
    completed['sampler'] = {'type': 'DefaultSampler', 'shuffle': False, 'round_up': True}
    return completed


def _is_new(first: int, pairs: int, total: int) -> Tensor:
    """Tell which pairs of a batch no rank has had before, (pairs,).

    Args:
        first: pairs that this rank had before the batch.
        pairs: of the batch.
        total: of the data set, which mmengine's sampler deals to the ranks in turn, and begins
            again so that all have equally many.
    """
    places: Tensor = torch.arange(first, first + pairs) * get_world_size() + get_rank()
    return places < total


def _means(sums: Mapping[str, float]) -> dict[str, float]:
    """The means over the pairs of all ranks, under the names to log."""
    totals = torch.tensor(list(sums.values()), dtype=torch.float64)
    all_reduce(totals)
    means = logged_means(dict(zip(sums, totals, strict=True)))
    # mmengine takes its own "val/" off the names, so that they would be those of training.
    return {f'val/{name}': float(value) for name, value in means.items()}
