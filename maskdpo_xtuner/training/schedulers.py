"""Learning rate schedules that hold for data sets of any size."""

from __future__ import annotations

from typing import Any

from mmengine.optim import LinearLR
from mmengine.registry import PARAM_SCHEDULERS
from typing_extensions import Self


@PARAM_SCHEDULERS.register_module()
class WarmupLR(LinearLR):  # type: ignore[misc]
    """mmengine's `LinearLR` for a warm-up given as a share of the epochs.

    ``LinearLR`` needs two iterations to come back to the full rate. Where the share of a small
    data set is less, it fails (none) or leaves the rate at ``start_factor`` for good (one); here
    the warm-up then lasts two iterations.
    """

    @classmethod
    def build_iter_from_epoch(
        cls, *args: Any, begin: float = 0, end: float, epoch_length: int, **kwargs: Any
    ) -> Self:
        """Turn ``begin`` and ``end`` from epochs of ``epoch_length`` iterations to iterations."""
        end = max(end, begin + 2 / epoch_length)
        scheduler: Self = super().build_iter_from_epoch(
            *args, begin=begin, end=end, epoch_length=epoch_length, **kwargs
        )
        return scheduler


def stretch(schedulers: Any, epochs: float) -> Any:
    """Stretch schedules that are written in epochs to the length of the training.

    Args:
        schedulers: configs, as ``param_scheduler`` has them: one, a list, or a dictionary of such.
        epochs: of the training.

    Returns:
        The same with ``begin``, ``end`` and ``T_max`` of those ``by_epoch`` multiplied by what
        makes the last of them end with the training. What is built, or counts iterations, stays.
    """
    if isinstance(schedulers, dict) and 'type' not in schedulers:
        return {name: stretch(each, epochs) for name, each in schedulers.items()}
    several = [schedulers] if isinstance(schedulers, dict) else list(schedulers or [])
    ends = [each['end'] for each in several if _is_in_epochs(each)]
    if not ends or max(ends) == epochs:
        return schedulers
    return [_stretched(each, max(ends), epochs) for each in several]


def _is_in_epochs(scheduler: Any) -> bool:
    is_config = isinstance(scheduler, dict)
    return is_config and bool(scheduler.get('by_epoch', True)) and 'end' in scheduler


def _stretched(scheduler: Any, length: float, epochs: float) -> Any:
    if not _is_in_epochs(scheduler):
        return scheduler
    changed = {
        # Exactly the end, whatever the product would be rounded to.
        key: epochs if scheduler[key] == length else scheduler[key] * epochs / length
        for key in ('begin', 'end', 'T_max')
        if key in scheduler
    }
    return {**scheduler, **changed}
