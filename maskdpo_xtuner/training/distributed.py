"""Work that one process of a machine does and the others find done."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
    if not dist.is_initialized():
        yield
        return
    timeout = timedelta(minutes=int(os.environ.get('XTUNER_DATASET_TIMEOUT', '60')))
    # gloo: a barrier on the host, which waits longer than NCCL's and names the missing ranks.
    group = dist.new_group(backend='gloo', timeout=timeout)
    first = os.environ.get('LOCAL_RANK', '0') == '0'
    if not first:
        dist.monitored_barrier(group, timeout)
    yield
    if first:
        dist.monitored_barrier(group, timeout)
