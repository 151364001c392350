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
