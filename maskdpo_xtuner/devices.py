"""The device that a model runs on, by its name in a config or on a command line."""

from __future__ import annotations


def find_device(name: str) -> str:
    """Give the name of a device that is there; ``auto`` is CUDA where there is one, else the CPU.

    Raises:
        ValueError: for what is no device, and for one that this machine lacks.
    """
    import torch

    if name == 'auto':
        return 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(
            f'device: {name!r} is no device of torch; write cpu, cuda, cuda:1, or auto'
        ) from error
    count = torch.cuda.device_count() if device.type == 'cuda' else 1
    if (device.index or 0) >= count:
        there = f'torch sees {count} of them' if count else 'torch sees no GPU and driver'
        raise ValueError(f'device: {name!r} is not there ({there}); write cpu, or auto')
    return name
