"""Work that one process of a machine does and the others find done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from torch import distributed as dist


@contextmanager
def first_rank_first() -> Iterator[None]:
    """Run the block in the first process of each machine, then in the others.

    The block leaves what it made in a cache on disk, so that the others only open it; nothing is
    sent between processes. Should the first process fail, the launcher ends the others. The
    time to wait is ``XTUNER_DATASET_TIMEOUT`` minutes, as for XTuner's data sets (default 60).
    """
    barrier = _host_barrier()
    first = os.environ.get('LOCAL_RANK', '0') == '0'
    if not first:
        barrier()
    yield
    if first:
        barrier()


@contextmanager
def all_ranks_finish() -> Iterator[None]:
    """Run the block in all processes at once, and leave it when the last has come to its end.

    What processes of other machines wrote is there then, on a disk that all share. Failures and
    the time to wait are as for `first_rank_first`.
    """
    barrier = _host_barrier()
    yield
    barrier()


def _host_barrier() -> Callable[[], None]:
    """A barrier for later, which all processes have to make at the same time."""
    if not dist.is_initialized():
        return lambda: None
    timeout = timedelta(minutes=int(os.environ.get('XTUNER_DATASET_TIMEOUT', '60')))
    # gloo: a barrier on the host, which waits longer than NCCL's and names the missing ranks.
    group = dist.new_group(backend='gloo', timeout=timeout)
    return lambda: dist.monitored_barrier(group, timeout)
