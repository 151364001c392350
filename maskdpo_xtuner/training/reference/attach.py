"""From the data set of a training to the same with reference log-probabilities."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset, concatenate_datasets
from mmengine.dist import get_rank, get_world_size
from mmengine.logging import print_log

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.progress import progress_bar
from maskdpo_xtuner.training.cache import cache_file, may_write, own_cache, shared_cache
from maskdpo_xtuner.training.distributed import all_ranks_finish, first_rank_first
from maskdpo_xtuner.training.reference.computing import CollateFunction, ReferenceModel
from maskdpo_xtuner.training.reference.keys import describe, hash_of, key_parts
from maskdpo_xtuner.training.reference.precision import training_precision
from maskdpo_xtuner.training.reference.store import LogpStore, check_counts


def attach_reference(pairs: Dataset, runner: Any, collate_fn: CollateFunction) -> Dataset:
    """Add the reference log-probabilities of the supervised tokens to the items.

    What is not in the cache is computed, each process taking every n-th block: a run that was
    killed loses at most one block a process. For that time each process holds the whole
    reference model (``model.ref_llm``, or ``model.llm`` as it is loaded, never a trained policy),
    under ZeRO-3 too: a model that does not fit needs ``model.reference='model'``.

    Args:
        pairs: items of `build_mask_preference_dataset`, for training or validation.
        runner: of mmengine; its config and strategy say which model is run, and how.
        collate_fn: of the data loader.

    Returns:
        The items with ``chosen_reference_logps`` and ``rejected_reference_logps``: fp32, one value
        a supervised token; memory-mapped.

    Raises:
        ValueError: when the values are not finite, or the cache does not fit the data.
    """
    start = time.monotonic()
    if not isinstance(pairs, Dataset):
        raise ValueError(
            f'reference log-probabilities are kept for a datasets.Dataset, not {type(pairs)}; '
            "set model.reference='model'"
        )
    precision = training_precision(runner)
    with first_rank_first():
        pairs = _contiguous(pairs)
        store = _open_store(key_parts(pairs, runner.cfg.model, precision, collate_fn), len(pairs))
        missing = _missing(store)
    with all_ranks_finish():
        # By number, not by place in the list: another process may see a block that is new.
        mine = [block for block in missing if block % get_world_size() == get_rank()]
        if mine:
            _fill(store, mine, pairs, ReferenceModel(runner.cfg.model, precision, collate_fn))
            gc.collect()
            torch.cuda.empty_cache()
    columns = store.open()
    check_counts(pairs, columns, store.folder)
    _report(store, missing, time.monotonic() - start)
    return concatenate_datasets([pairs, columns], axis=1)


def _contiguous(pairs: Dataset) -> Dataset:
    """The same items as rows of a table, so that columns can be put beside them."""
    if pairs._indices is None:
        return pairs
    file = cache_file(f'pairs/{pairs._fingerprint}.arrow')
    return pairs.flatten_indices(cache_file_name=str(file), new_fingerprint=pairs._fingerprint)


def _open_store(parts: dict[str, Any], num_pairs: int) -> LogpStore:
    description = describe(parts)
    key = hash_of(description)
    store = LogpStore(shared_cache() / 'reference' / key, key, num_pairs)
    if not may_write(store.folder):
        if not any(map(store.problem, store.blocks)):
            return store
        store = LogpStore(own_cache() / 'reference' / key, key, num_pairs)
    with atomic_writer(store.folder / 'key.json') as file:
        file.write(description)
    return store


def _missing(store: LogpStore) -> list[int]:
    """The blocks to compute; damaged ones are named."""
    problems = {block: store.problem(block) for block in store.blocks}
    for block, problem in problems.items():
        if problem and store.path(block).is_file():
            print_log(f'{problem}; it is computed again', logger='current', level=logging.WARNING)
    return [block for block, problem in problems.items() if problem]


def _fill(
    store: LogpStore, blocks: Sequence[int], pairs: Dataset, reference: ReferenceModel
) -> None:
    total = sum(len(store.pairs_of(block)) for block in blocks)
    quiet = get_rank() != 0 or not sys.stderr.isatty()
    with progress_bar(total, 'Reference log-probabilities', 'pair', quiet=quiet) as bar:
        for block in blocks:
            indices = store.pairs_of(block)
            store.write(block, reference.logps(pairs.select(indices).to_list()))
            bar.update(len(indices))


def _report(store: LogpStore, missing: Sequence[int], seconds: float) -> None:
    computed = sum(len(store.pairs_of(block)) for block in missing)
    print_log(
        f'Reference log-probabilities of {store.num_pairs} pairs in {seconds:.1f} s: {computed} '
        f'computed, {store.num_pairs - computed} reused; they are kept in {store.folder}',
        logger='current',
    )
