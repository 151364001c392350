"""What XTuner 0.2.0 and mmengine 0.10.6 lack on a machine without an accelerator."""

from __future__ import annotations

from typing import Any

import torch
from mmengine._strategy import DeepSpeedStrategy
from mmengine.logging import print_log
from xtuner.utils.device import get_device_name

from maskdpo_xtuner.allocator import keep_freed_memory


def supply_cpu_support() -> None:
    """Make XTuner run where it finds neither CUDA nor an NPU; elsewhere do nothing.

    XTuner asks ``torch.cpu.is_bf16_supported()``, which torch does not have, and mmengine calls
    ``torch.cuda.set_device`` on every rank whatever the backend.
    """
    if get_device_name() != 'cpu':
        return
    keep_freed_memory()
    if not hasattr(torch.cpu, 'is_bf16_supported'):
        torch.cpu.is_bf16_supported = _is_bf16_supported  # type: ignore[attr-defined]
    torch.cuda.set_device = _ignore_device


def keep_fp32_on_cpu(runner: Any) -> None:
    """Have DeepSpeed train a model that is loaded in fp32 as it is, where there is a CPU only.

    XTuner's ``--deepspeed`` always ends in bf16 or fp16, and a CPU without AVX-512 multiplies bf16
    at a thirtieth of the speed of fp32. To be called before the strategy prepares the model and
    before anything is computed as it will (see `training_precision`). ZeRO-3 stays at bf16: it has
    already been told how to load.

    Args:
        runner: of mmengine.
    """
    strategy = getattr(runner, 'strategy', None)
    if get_device_name() != 'cpu' or not isinstance(strategy, DeepSpeedStrategy):
        return
    loaded_as = str(runner.cfg.model.llm.get('torch_dtype', torch.float32))
    stage = strategy.config.get('zero_optimization', {}).get('stage', 0)
    if loaded_as.removeprefix('torch.') == 'float32' and stage < 3:
        strategy.config.update(fp16={'enabled': False}, bf16={'enabled': False})
        print_log('No GPU: the fp32 weights are trained in fp32', logger='current')


def _is_bf16_supported() -> bool:
    # Not False: XTuner would then have DeepSpeed train in fp16, which is worse on a CPU.
    return True


def _ignore_device(device: object) -> None:
    """Do nothing: there is no device to set."""
