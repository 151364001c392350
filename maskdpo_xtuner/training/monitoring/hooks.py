"""What a training shows beside loss and rewards, and the same for all ranks."""

from __future__ import annotations

import resource
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any

import torch
from mmengine.dist import all_gather, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import Tensor

GIB = 2**30


@HOOKS.register_module()
class MeanOverRanksHook(Hook):  # type: ignore[misc]
    """Average the logged values of an iteration over all ranks; mmengine logs the first's alone.

    The ranks have equally many pairs, so means over pairs stay means over pairs.
    """

    priority = 'HIGHEST'  # Before mmengine's RuntimeInfoHook notes the values down.

    def after_train_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = None,
        outputs: MutableMapping[str, Tensor] | None = None,
    ) -> None:
        """Replace the scalars in ``outputs``, which all ranks have under the same names."""
        if not outputs or get_world_size() == 1:
            return
        values = torch.stack([value.detach().float() for value in outputs.values()])
        all_reduce(values, op='mean')
        outputs.update(zip(outputs, values.unbind(), strict=True))


@HOOKS.register_module()
class TrainingMetricsHook(Hook):  # type: ignore[misc]
    """Log speed, memory and, under DeepSpeed, the norm of the gradient.

    ``tokens_per_second``: tokens computed on all ranks, without padding;
    ``supervised_tokens_per_second``: those with a term in the loss. Both over as many iterations
    as mmengine's log processor smooths the loss, with the time for data and optimizer.
    ``peak_memory``: GiB allocated at most so far on the fullest GPU; without a GPU, the resident
    set of the largest process. ``grad_norm``: the norm before clipping, of each optimizer step;
    without DeepSpeed mmengine logs it, if ``clip_grad`` is set. ``epoch``: passes over the pairs so
    far.
    """

    priority = 'NORMAL'  # After mmengine's IterTimerHook, before its LoggerHook.

    def before_train(self, runner: Any) -> None:
        """Begin to measure."""
        # (tokens, supervised tokens, seconds) of the last iterations.
        self._recent: deque[tuple[float, float, float]] = deque(
            maxlen=runner.log_processor.window_size
        )

    def after_train_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Mapping[str, Any],
        outputs: Any = None,
    ) -> None:
        """Note the metrics of an iteration down in the message hub."""
        hub, data = runner.message_hub, data_batch['data']
        tokens, supervised, memory = _over_ranks(
            float(data['num_tokens']), float(data['counts'].sum()), peak_memory() / GIB
        )
        self._recent.append((tokens, supervised, hub.get_scalar('train/time').current()))
        tokens, supervised, seconds = (sum(column) for column in zip(*self._recent, strict=True))
        hub.update_scalar('train/tokens_per_second', tokens / seconds)
        hub.update_scalar('train/supervised_tokens_per_second', supervised / seconds)
        hub.update_scalar('train/peak_memory', memory)
        hub.update_scalar('train/epoch', (runner.iter + 1) / len(runner.train_dataloader))
        norm = deepspeed_grad_norm(runner.model)
        if norm is not None:
            hub.update_scalar('train/grad_norm', norm)


def peak_memory() -> int:
    """Bytes that this process has used at most: allocated on the GPU, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB.


def deepspeed_grad_norm(model: Any) -> float | None:
    """Norm of the gradient over all ranks if DeepSpeed has just stepped on it, else None.

    Args:
        model: the runner's model, wrapped for DeepSpeed or not.
    """
    if not hasattr(model, 'get_global_grad_norm'):
        return None
    if model.micro_steps % model.gradient_accumulation_steps():
        return None
    norm = model.get_global_grad_norm()
    return None if norm is None else float(norm)


def _over_ranks(tokens: float, supervised: float, memory: float) -> tuple[float, float, float]:
    """Sums of the tokens and the largest memory."""
    ranks = all_gather(torch.tensor([tokens, supervised, memory], dtype=torch.float64))
    counts = torch.stack(ranks)
    tokens, supervised = counts[:, :2].sum(dim=0).tolist()
    return tokens, supervised, float(counts[:, 2].max())
