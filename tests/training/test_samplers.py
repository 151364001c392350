from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS

from maskdpo_xtuner.training.checks import accumulative_counts
from maskdpo_xtuner.training.samplers import LengthBalancedSampler
from tests.items import pairs_of_lengths

Batch = list[int]


def micro_batches(
    sampler: type[DefaultSampler], world_size: int, batch_size: int, epochs: int, **options: Any
) -> list[tuple[Batch, ...]]:
    """What the ranks are given at each iteration, as the data loader batches it."""
    ranks: list[list[Batch]] = [[] for _ in range(world_size)]
    for rank, batches in enumerate(ranks):
        with patch('mmengine.dataset.sampler.get_dist_info', return_value=(rank, world_size)):
            built = sampler(seed=7, **options)
        for epoch in range(epochs):
            built.set_epoch(epoch)
            order = list(built)
            assert len(order) == len(built)
            batches.extend(cut(order, batch_size))
    return list(zip(*ranks, strict=True))


def cut(order: list[Any], size: int) -> Iterator[list[Any]]:
    return (order[start : start + size] for start in range(0, len(order), size))


def waiting(iterations: list[tuple[Batch, ...]], lengths: list[int]) -> int:
    """Tokens until the last rank is done, added up over the iterations."""
    return sum(max(sum(lengths[i] for i in batch) for batch in ranks) for ranks in iterations)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=40),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_steps_keep_their_pairs_and_are_balanced_no_worse(
    lengths: list[int], world_size: int, batch_size: int, accumulation: int, shuffle: bool
) -> None:
    options = {'dataset': pairs_of_lengths(lengths), 'shuffle': shuffle}
    both = {'world_size': world_size, 'batch_size': batch_size, 'epochs': 3, **options}
    shuffled = micro_batches(DefaultSampler, **both)
    with_sizes = partial_sampler(batch_size, accumulation)
    balanced = micro_batches(with_sizes, **both)
    sizes = [[len(batch) for batch in ranks] for ranks in shuffled]
    assert [[len(batch) for batch in ranks] for ranks in balanced] == sizes
    for before, after in zip(cut(shuffled, accumulation), cut(balanced, accumulation), strict=True):
        assert weights(after) == weights(before)
        assert waiting(after, lengths) <= waiting(before, lengths)


def partial_sampler(batch_size: int, accumulation: int) -> type[DefaultSampler]:
    class Sampler(LengthBalancedSampler):
        def __init__(self, **options: Any) -> None:
            super().__init__(batch_size=batch_size, accumulative_counts=accumulation, **options)

    return Sampler


def weights(step: list[tuple[Batch, ...]]) -> Counter[tuple[int, int]]:
    """Each pair of an optimizer step with the size of the micro-batch whose mean it is in."""
    return Counter((index, len(batch)) for ranks in step for batch in ranks for index in batch)


def test_ranks_get_equal_shares_where_an_equal_share_exists() -> None:
    lengths = [10, 20, 30, 40, 50, 60, 70, 80]
    dataset = pairs_of_lengths(lengths)
    sampler = partial_sampler(batch_size=2, accumulation=2)
    (first, second) = micro_batches(sampler, 2, 2, 1, dataset=dataset)
    tokens = [sum(lengths[index] for index in batch) for batch in (*first, *second)]
    assert tokens == [90, 90, 90, 90]


def test_the_order_is_that_of_seed_and_epoch() -> None:
    dataset = pairs_of_lengths(list(range(1, 40)))

    def order(seed: int, epoch: int) -> list[int]:
        sampler = LengthBalancedSampler(dataset, batch_size=2, accumulative_counts=3, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_a_config_builds_it_by_name() -> None:
    config = {'type': 'LengthBalancedSampler', 'batch_size': 1}
    sampler = DATA_SAMPLERS.build(
        config, default_args={'dataset': pairs_of_lengths([1]), 'seed': 0}
    )
    assert list(sampler) == [0]


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        ({'optim_wrapper': {'type': 'OptimWrapper'}}, 1),
        ({'optim_wrapper': {'accumulative_counts': 4}}, 4),
        (
            {
                'optim_wrapper': {'type': 'DeepSpeedOptimWrapper'},
                'strategy': {'gradient_accumulation_steps': 8},
            },
            8,
        ),
    ],
)
def test_accumulation_is_that_of_deepspeed_or_of_the_optimizer(
    config: dict[str, Any], expected: int
) -> None:
    assert accumulative_counts(ConfigDict(config)) == expected
