"""The number formats in which a training holds its models and computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine._strategy import DeepSpeedStrategy
from mmengine.device import get_device
from mmengine.optim import AmpOptimWrapper
from mmengine.registry import OPTIM_WRAPPERS


@dataclass(frozen=True)
class Precision:
    """What is done to models after they are loaded.

    Attributes:
        cast: dtype that all weights and buffers are converted to; None: they stay as loaded.
        autocast: dtype of ``torch.autocast``; None: there is none.
    """

    cast: torch.dtype | None = None
    autocast: torch.dtype | None = None


def training_precision(runner: Any) -> Precision:
    """Read off a runner of mmengine how it will hold the policy and a reference beside it.

    DeepSpeed casts the whole model, AmpOptimWrapper computes in autocast.
    """
    # mmengine's plain Runner has no strategy.
    strategy = getattr(runner, 'strategy', None)
    cast = _cast_by(strategy.config) if isinstance(strategy, DeepSpeedStrategy) else None
    return Precision(cast, _autocast_by(runner.cfg.optim_wrapper))


def _cast_by(deepspeed: Mapping[str, Any]) -> torch.dtype | None:
    for section, dtype in (('fp16', torch.float16), ('bf16', torch.bfloat16)):
        if deepspeed.get(section, {}).get('enabled') is True:
            return dtype
    return None


def _autocast_by(optim_wrapper: Mapping[str, Any]) -> torch.dtype | None:
    kind = optim_wrapper.get('type', 'OptimWrapper')
    if not issubclass(OPTIM_WRAPPERS.get(kind) if isinstance(kind, str) else kind, AmpOptimWrapper):
        return None
    name = optim_wrapper.get('dtype')
    if name is None:
        return torch.get_autocast_dtype(get_device())
    dtype: torch.dtype = getattr(torch, name) if isinstance(name, str) else name
    return dtype
