"""The device and the dtype of a model, by their names in a config or on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DTYPES = ('float32', 'bfloat16', 'float16', 'float64')


def find_dtype(name: str) -> torch.dtype:
    """Give the torch dtype of weights by its name.

    Raises:
        ValueError: for what is none of `DTYPES`.
    """
    import torch

    if name not in DTYPES:
        raise ValueError(f'dtype: {name!r} is none of {", ".join(DTYPES)}')
    found: torch.dtype = getattr(torch, name)
    return found


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
        raise _absent(name, there)
    if device.type != 'cuda':
        _check_use(name)
    return name


def _check_use(name: str) -> None:
    """Compute on a device whose kind torch knows by name, whether or not it was built for it."""
    import torch

    try:
        torch.ones(1, device=name).sum().item()
    except (RuntimeError, AssertionError, ImportError) as error:
        raise _absent(name, ' '.join(str(error).split())[:120]) from error


def _absent(name: str, why: str) -> ValueError:
    return ValueError(f'device: {name!r} is not there ({why}); write cpu, or auto')
