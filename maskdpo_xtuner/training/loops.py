"""The training loop: XTuner's, with what the rest of the config says passed on to its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from datasets import Dataset
from mmengine.dist import all_reduce
from mmengine.model import is_model_wrapper
from mmengine.registry import DATASETS, FUNCTIONS, LOOPS, MODELS
from torch.utils.data import DataLoader
from xtuner.engine.runner import TrainLoop

from maskdpo_xtuner.batches.lengths import pair_lengths
from maskdpo_xtuner.batches.rows import cut_rows, fill_rows, pair_tokens
from maskdpo_xtuner.objectives import Loss, find_loss
from maskdpo_xtuner.training.accumulation import train_rows
from maskdpo_xtuner.training.checks import (
    accumulative_counts,
    check_resumed,
    check_steps,
    check_weights,
    starts_at_reference,
)
from maskdpo_xtuner.training.model import MaskDPO
from maskdpo_xtuner.training.patches.cpu import keep_fp32_on_cpu
from maskdpo_xtuner.training.recomputation import AUTO, choose_recomputation
from maskdpo_xtuner.training.reference import attach_reference, choose_reference
from maskdpo_xtuner.training.samplers import LengthBalancedSampler
from maskdpo_xtuner.training.schedulers import stretch


@LOOPS.register_module()
class MaskDPOTrainLoop(TrainLoop):  # type: ignore[misc]
    """XTuner's `TrainLoop`; its data loader takes from the config what it does not say itself.

    A data set that names no tokenizer gets the config's ``tokenizer``, a `LengthBalancedSampler`
    the batch size and the accumulation. So what is given once by ``--cfg-options`` holds. Items
    get what the model's loss takes from them, and lose what it does not (see `with_terms`).

    Args:
        runner: of mmengine.
        dataloader: config.
        row_tokens: most tokens that go through the model at once. The pairs of a batch are packed
            into as few rows as hold them; each goes forward and backward by itself, and the step is
            that of the whole batch. None: all pairs of a batch are one row.
        sample_every: iterations between samples of answers (see `SamplesHook`), of which there
            are some before the first iteration and after the last, too. None: only these; 0: none.
        sample_prompts: number of prompts that are answered.
        stretch_schedule: whether a ``param_scheduler`` that is written in epochs is stretched, or
            compressed, to end with the training, so that ``max_epochs`` alone decides on both.
        kwargs: of XTuner's `TrainLoop`.

    Raises:
        ValueError: where rows cannot be made, or cannot hold a pair, for samples of no prompts, and
            for what `maskdpo_xtuner.training.checks` refuses.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader[Any] | dict[str, Any],
        row_tokens: int | None = None,
        sample_every: int | None = None,
        sample_prompts: int = 3,
        stretch_schedule: bool = True,
        **kwargs: Any,
    ) -> None:
        if sample_prompts < 1 or (sample_every or 0) < 0:
            raise ValueError(
                'train_cfg.sample_prompts must be positive and train_cfg.sample_every not negative '
                f'(0: no samples), not {sample_prompts} and {sample_every}'
            )
        self.sample_every, self.sample_prompts = sample_every, sample_prompts
        self.stretch_schedule = stretch_schedule
        check_weights(getattr(runner, 'model', None), runner.cfg)
        keep_fp32_on_cpu(runner)
        if isinstance(dataloader, dict):
            dataloader['dataset'].setdefault('tokenizer', runner.cfg.tokenizer)
            _complete_sampler(dataloader, runner.cfg)
            dataloader = with_terms(dataloader, runner)
        super().__init__(runner, dataloader, **kwargs)
        check_steps(self.max_iters, runner.cfg)
        if stretch_schedule:
            epochs = self.max_iters / len(self.dataloader)
            runner.param_schedulers = stretch(runner.param_schedulers, epochs)
        self.row_tokens = row_tokens
        if row_tokens is not None:
            check_rows(row_tokens, self.dataloader.dataset, runner.cfg)

    def run(self) -> Any:
        """Train to the end, as mmengine's loop does, after a look at what was loaded."""
        check_resumed(self.runner, self.stretch_schedule)
        model = self.runner.model
        model = model.module if is_model_wrapper(model) else model
        if isinstance(model, MaskDPO):
            if self.runner.cfg.model.get('use_activation_checkpointing') == AUTO:
                choose_recomputation(self.runner, model)
            if starts_at_reference(self.runner):
                model.expect_reference()
        return super().run()

    def run_iter(self, data_batch: dict[str, Any]) -> None:
        """Train on one batch, as mmengine's loop does, in rows of at most ``row_tokens``."""
        if self.row_tokens is None:
            super().run_iter(data_batch)
            return
        details = {'batch_idx': self._iter, 'data_batch': data_batch}
        self.runner.call_hook('before_train_iter', **details)
        rows = divide(data_batch, self.row_tokens)
        outputs = train_rows(self.runner.model, self.runner.optim_wrapper, rows)
        self.runner.call_hook('after_train_iter', **details, outputs=outputs)
        self._iter += 1


def check_rows(row_tokens: int, pairs: Dataset, cfg: Any) -> None:
    """Refuse what cannot be trained on in rows of ``row_tokens``.

    Args:
        row_tokens: of `MaskDPOTrainLoop`.
        pairs: the data set.
        cfg: the whole config.

    Raises:
        ValueError: with what to change.
    """
    collate = cfg.train_dataloader.collate_fn
    if not collate.get('pack', True):
        raise ValueError(
            'train_cfg.row_tokens divides packed batches; set '
            'train_dataloader.collate_fn.pack=True, or train_cfg.row_tokens=None'
        )
    loss = loss_of(cfg)
    if loss is not None and loss.compares_pairs:
        raise ValueError(
            f'{loss.name} compares the pairs of a batch with each other, so the batch cannot be '
            'divided: set train_cfg.row_tokens=None'
        )
    options = {name: collate.get(name, True) for name in ('share_prompt', 'cut_tail')}
    tokens = pair_lengths(pairs).computed(**options)
    longest = int(tokens.argmax())
    if tokens[longest] > row_tokens:
        raise ValueError(
            f'{pairs[longest]["place"]}: this pair has {tokens[longest]} tokens, which no row of '
            f'train_cfg.row_tokens={row_tokens} holds; raise it, or lower '
            'train_dataloader.dataset.max_length'
        )


def divide(batch: dict[str, Any], row_tokens: int) -> list[dict[str, Any]]:
    """Cut a packed batch into rows of at most ``row_tokens``, on all ranks into equally many.

    Each backward pass is one in which all ranks take part.
    """
    tokens = pair_tokens(batch)
    number = torch.tensor(len(fill_rows(tokens, row_tokens)))
    all_reduce(number, op='max')
    return cut_rows(batch, fill_rows(tokens, row_tokens, at_least=int(number)))


def with_terms(dataloader: dict[str, Any], runner: Any) -> dict[str, Any]:
    """Build the data set of a data loader with what the loss of a `MaskDPO` reads, and no more.

    Args:
        dataloader: config, for training or validation.
        runner: of mmengine.

    Returns:
        The config with the data set, whose items have the log-probabilities of the reference, or
        the chosen side alone; the config as it is for a model that takes items as they are.
    """
    loss = loss_of(runner.cfg)
    if loss is None:
        return dataloader
    cached = choose_reference(loss, runner.cfg.model.get('reference')) == 'cached'
    if loss.needs_rejected and not cached:
        return dataloader
    pairs = DATASETS.build(dataloader['dataset'])
    if cached:
        pairs = attach_reference(pairs, runner, _collate_function(dataloader))
    if not loss.needs_rejected:
        rejected = [name for name in pairs.column_names if name.startswith('rejected_')]
        pairs = pairs.remove_columns(rejected)
    return {**dataloader, 'dataset': pairs}


def _collate_function(dataloader: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    options = dict(dataloader['collate_fn'])
    function = options.pop('type')
    return partial(FUNCTIONS.get(function) if isinstance(function, str) else function, **options)


def loss_of(cfg: Any) -> Loss | None:
    """The loss of the config's model; None for a model that is no `MaskDPO`."""
    kind = MODELS.get(cfg.model.type) if isinstance(cfg.model.type, str) else cfg.model.type
    return find_loss(cfg.model.get('loss_type', 'sigmoid')) if issubclass(kind, MaskDPO) else None


def _complete_sampler(dataloader: dict[str, Any], cfg: Any) -> None:
    sampler = dataloader.get('sampler')
    ours = (LengthBalancedSampler, LengthBalancedSampler.__name__)
    if isinstance(sampler, dict) and sampler['type'] in ours:
        sampler.setdefault('batch_size', dataloader['batch_size'])
        sampler.setdefault('accumulative_counts', accumulative_counts(cfg))
