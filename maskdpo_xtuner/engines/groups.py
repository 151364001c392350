"""Rows that are decoded on the CPU in two groups, side by side.

A step of a small model is a thousand short operations. Threads that share each of them wait for
each other at each; groups with threads of their own do not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import torch

from maskdpo_xtuner.engines.base import Sampling
from maskdpo_xtuner.engines.decoding import Rows, decode
from maskdpo_xtuner.engines.grouped_attention import NAME

# Not the number of processors: which rows meet, and so how sums are rounded, would follow from it.
GROUPS = 2
# Fewer rows in a group do not pay for reading the weights once a group.
LEAST_ROWS = 8


def decode_in_groups(
    model: Any,
    rows: Rows,
    sampling: Sampling,
    end_ids: Collection[int],
    stop: Event,
    *,
    at_once: int,
    on_end: Callable[[int], object] | None = None,
) -> list[list[int]]:
    """Decode as `maskdpo_xtuner.engines.decoding.decode` does, whose arguments these are.

    Rows of a model on the CPU are split in the middle, and both halves are decoded at the same
    time, with half of ``at_once`` rows and half of torch's threads each. Meanwhile other work of
    this process in torch has no more threads than that either. ``on_end`` is called by both.
    """
    if len(rows.prompts) < GROUPS * LEAST_ROWS or at_once < GROUPS or not _bears_two(model):
        return decode(model, rows, sampling, end_ids, stop, at_once=at_once, on_end=on_end)
    share = -(-at_once // GROUPS)
    with _threads_shared() as threads, ThreadPoolExecutor(min(GROUPS, threads)) as pool:
        tasks = [
            pool.submit(decode, model, part, sampling, end_ids, stop, at_once=share, on_end=on_end)
            for part in _split(rows)
        ]
        return [new for task in tasks for new in task.result()]


def _bears_two(model: Any) -> bool:
    """Whether two threads may run a model at the same time, and it pays.

    That is known of transformers' own code; some of its position embeddings change with the
    longest row that they see.
    """
    kinds = {str(getattr(module, 'rope_type', '')) for module in model.modules()}
    changing = any('dynamic' in kind or kind == 'longrope' for kind in kinds)
    return bool(model.config._attn_implementation == NAME) and not changing


def _split(rows: Rows) -> Iterator[Rows]:
    """Give as many rows to each group, one following the other."""
    count = -(-len(rows.prompts) // GROUPS)
    for start in range(0, len(rows.prompts), count):
        part = slice(start, start + count)
        yield Rows(rows.prompt_ids, rows.prompts[part], rows.seeds[part])


@contextmanager
def _threads_shared() -> Iterator[int]:
    """Give each group its share of torch's threads; yields how many there are in all."""
    threads = torch.get_num_threads()
    # It holds for threads that are started from now on, and for the matrix products of all.
    torch.set_num_threads(max(1, threads // GROUPS))
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)
