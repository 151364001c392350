"""Training on a batch row by row, with the gradient and the log of the whole batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from mmengine._strategy.deepspeed import DeepSpeedOptimWrapper
from torch import Tensor

from maskdpo_xtuner.batches.rows import responses_per_pair

Row = Mapping[str, Any]


def train_rows(model: Any, optim_wrapper: Any, rows: Sequence[Row]) -> dict[str, Tensor]:
    """Take the step that ``model.train_step`` would take on a whole batch.

    Each row goes forward and backward by itself; the gradients add up. Between rows neither the
    optimizer nor, in mmengine's terms, the iteration moves on.

    Args:
        model: of the runner, wrapped or not.
        optim_wrapper: of the runner: mmengine's ``OptimWrapper`` or ``AmpOptimWrapper``, or
            DeepSpeed's.
        rows: of `cut_rows`; on all ranks equally many, with equally many pairs in all.

    Returns:
        What `MaskDPO` logs of the whole batch.
    """
    kind = _DeepSpeedRowWrapper if isinstance(optim_wrapper, DeepSpeedOptimWrapper) else _RowWrapper
    pairs = sum(len(row['data_samples']['place']) for row in rows)
    logs = [
        model.train_step(
            row,
            optim_wrapper=kind(
                optim_wrapper,
                share=len(row['data_samples']['place']) / pairs,
                is_last=row is rows[-1],
            ),
        )
        for row in rows
    ]
    return {name: _mean(name, [log[name] for log in logs], rows) for name in logs[0]}


@dataclass(frozen=True)
class _RowWrapper:
    """Stands in for an optimizer wrapper: weighs the loss of a row, and steps at the last one."""

    wrapper: Any
    share: float
    is_last: bool

    @contextmanager
    def optim_context(self, model: Any) -> Iterator[None]:
        """The wrapper's own; ranks exchange gradients after the last row only."""
        keep = not self.is_last and hasattr(model, 'no_sync')
        with model.no_sync() if keep else nullcontext(), self.wrapper.optim_context(model):
            yield

    def update_params(self, loss: Tensor) -> None:
        """Add the gradient of the loss."""
        loss = self.share * loss
        if self.is_last:
            self.wrapper.update_params(loss)
            return
        self.wrapper.backward(self.wrapper.scale_loss(loss))
        # mmengine takes every backward pass for an iteration.
        self.wrapper._inner_count -= 1


class _DeepSpeedRowWrapper(_RowWrapper):
    def update_params(self, loss: Tensor) -> None:
        """Add the gradient of the loss, as DeepSpeed's documentation has it.

        See ``DeepSpeedEngine.set_gradient_accumulation_boundary``: rows before the last are no
        boundary, and ``engine.step`` is called once.
        """
        engine = self.wrapper.model
        # Without accumulation in the config, ZeRO-2 with offload would keep the last row's only.
        engine.optimizer.gradient_accumulation_steps = max(2, engine.gradient_accumulation_steps())
        steps = (engine.micro_steps + 1) % engine.gradient_accumulation_steps() == 0
        engine.set_gradient_accumulation_boundary(self.is_last and steps)
        loss = self.share * loss
        if self.is_last:
            self.wrapper.update_params(loss)
        else:
            self.wrapper.backward(loss)


def _mean(name: str, values: Sequence[Tensor], rows: Sequence[Row]) -> Tensor:
    """A logged value of the whole batch from those of its rows."""
    counts = torch.tensor([_count(name, row) for row in rows])
    stacked = torch.stack([value.detach().float().cpu() for value in values])
    return (stacked * counts).sum() / counts.sum()


def _count(name: str, row: Row) -> float:
    """Count the pairs, or tokens, that a logged value of `MaskDPO` is the mean over."""
    data, sides = row['data'], responses_per_pair(row)
    over = {
        'token_logps/chosen': data['counts'][::sides].sum(),
        'token_logps/rejected': data['counts'][sides - 1 :: sides].sum(),
        'supervised_share': data['num_tokens'],
    }
    return float(over.get(name.removesuffix('_shift'), len(row['data_samples']['place'])))
