"""How a process that computes on the CPU gets and gives back the memory of its tensors."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

AMPLE = 12 * 2**30
"""Bytes that must be available: what is kept in the heap is in pieces, and takes more room."""
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt, in glibc's malloc.h
_NEVER = -1


def keep_freed_memory(meminfo: Path = Path('/proc/meminfo')) -> bool:
    """Have freed tensors stay with the process, where the machine has memory to spare.

    glibc asks the kernel for every tensor of more than 32 MiB and gives it back at once; the kernel
    fills it with zeros a page at a time, which takes a quarter of the time of a training step. What
    the user set by ``MALLOC_MMAP_MAX_`` or ``MALLOC_TRIM_THRESHOLD_`` stays.

    Returns:
        Whether it is so from now on. Elsewhere (another C library, little memory) nothing changes.
    """
    is_set = {'MALLOC_MMAP_MAX_', 'MALLOC_TRIM_THRESHOLD_'} & os.environ.keys()
    if is_set or _available(meminfo) < AMPLE:
        return False
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    # One without the other gives the memory back as before.
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER) and mallopt(_MMAP_MAX, 0))


def _available(meminfo: Path) -> int:
    """Bytes that may be taken without swapping; 0 where the system does not say."""
    if not meminfo.is_file():
        return 0
    sizes = dict(line.split(':', 1) for line in meminfo.read_text().splitlines())
    return int(sizes.get('MemAvailable', '0 kB').split()[0]) * 1024
