"""The memory that there is for a training, on a GPU or on the host."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from mmengine.device import get_device

CGROUP = Path('/sys/fs/cgroup')


def memory_for_training(held: float) -> float:
    """Bytes that this process may take on its device, with those that it has already.

    Args:
        held: what the training holds from beginning to end, by the estimate. On the host it tells
            what of the process is the training's.

    Returns:
        On a CPU an equal part of what is free for each process of the machine; 0 where the device
        does not tell.
    """
    device = get_device()
    if device == 'cuda':
        free, _ = torch.cuda.mem_get_info()
        return float(free + torch.cuda.memory_reserved())
    if device != 'cpu':
        return 0.0
    import psutil

    free_on_host: float = min(psutil.virtual_memory().available, group_memory())
    processes = int(os.environ.get('LOCAL_WORLD_SIZE', '1'))
    return free_on_host / processes + min(float(psutil.Process().memory_info().rss), held)


def group_memory(folder: Path = CGROUP) -> float:
    """Bytes that the container may still take (cgroup v2); infinite where there is no limit."""
    try:
        limit, used = ((folder / f'memory.{name}').read_text() for name in ('max', 'current'))
        pages = dict(line.split() for line in (folder / 'memory.stat').read_text().splitlines())
    except OSError:
        return float('inf')
    if limit.strip() == 'max':
        return float('inf')
    # Pages of files that nobody uses now are given up when memory is asked for.
    return max(0.0, float(limit) - float(used) + float(pages.get('inactive_file', 0)))
