"""What XTuner 0.2.0 and mmengine 0.10.6 lack on a machine without an accelerator."""

from __future__ import annotations

import torch
from xtuner.utils.device import get_device_name


def supply_cpu_support() -> None:
    """Make XTuner run where it finds neither CUDA nor an NPU; elsewhere do nothing.

    XTuner asks ``torch.cpu.is_bf16_supported()``, which torch does not have, and mmengine calls
    ``torch.cuda.set_device`` on every rank whatever the backend.
    """
    if get_device_name() != 'cpu':
        return
    if not hasattr(torch.cpu, 'is_bf16_supported'):
        torch.cpu.is_bf16_supported = _is_bf16_supported  # type: ignore[attr-defined]
    torch.cuda.set_device = _ignore_device


def _is_bf16_supported() -> bool:
    # Not False: XTuner would then have DeepSpeed train in fp16, which is worse on a CPU.
    return True


def _ignore_device(device: object) -> None:
    """There is no device to set."""
