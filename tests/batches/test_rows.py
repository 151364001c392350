from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdpo_xtuner.batches.balancing import deal
from maskdpo_xtuner.batches.rows import cut_rows, fill_rows, pair_tokens
from maskdpo_xtuner.training import mask_preference_collate_fn
from tests.preference_items import chosen_only, random_items

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=12)


@given(LENGTHS, st.integers(50, 200), st.integers(1, 12))
def test_rows_hold_every_pair_once_within_the_limit(
    tokens: list[int], max_tokens: int, at_least: int
) -> None:
    at_least = min(at_least, len(tokens))
    rows = fill_rows(tokens, max_tokens, at_least)
    assert sorted(pair for row in rows for pair in row) == list(range(len(tokens)))
    assert all(0 < sum(tokens[pair] for pair in row) <= max_tokens for row in rows)
    assert len(rows) >= at_least


def test_there_are_no_more_rows_than_needed() -> None:
    assert fill_rows([4, 3, 2, 1], 10) == [[0, 1, 2, 3]]
    assert fill_rows([4, 3, 2, 1], 5) == [[0, 3], [1, 2]]
    assert len(fill_rows([4, 3, 2, 1], 10, at_least=3)) == 3


@given(LENGTHS, st.integers(1, 6), st.integers(1, 4))
def test_dealing_is_balanced_and_respects_the_room(
    sizes: list[int], groups: int, room: int
) -> None:
    dealt = deal(range(min(len(sizes), groups * room)), sizes, groups, room)
    assert all(len(group) <= room for group in dealt)
    free = deal(range(len(sizes)), sizes, groups)
    totals = [sum(sizes[index] for index in group) for group in free]
    assert max(totals) - min(totals) <= max(sizes)


@given(st.integers(0, 1000), st.data(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_row_is_the_batch_of_its_pairs(
    seed: int, data: Any, share_prompt: bool, cut_tail: bool, known: bool, alone: bool
) -> None:
    items = random_items(seed, pairs=4)
    if known:
        for item in items:
            for side in ('chosen', 'rejected'):
                supervised = sum(label != -100 for label in item[f'{side}_labels'][1:])
                item[f'{side}_reference_logps'] = torch.rand(supervised).tolist()
    if alone:
        items = chosen_only(items)
    options = {'share_prompt': share_prompt, 'cut_tail': cut_tail}
    whole = mask_preference_collate_fn(items, **options)
    assert sum(pair_tokens(whole)) == whole['data']['num_tokens']
    order = data.draw(st.permutations(range(4)))
    split = data.draw(st.integers(1, 3))
    chosen = [order[:split], order[split:]]
    for row, pairs in zip(cut_rows(whole, chosen), chosen, strict=True):
        expected = mask_preference_collate_fn([items[pair] for pair in pairs], **options)
        assert row['data_samples'] == expected['data_samples']
        assert set(row['data']) == set(expected['data'])
        for name, value in expected['data'].items():
            assert torch.equal(row['data'][name], value), name


def test_a_pair_that_no_row_holds_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(AssertionError):
        fill_rows([4, 11], 10)
