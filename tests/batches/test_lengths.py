from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdpo_xtuner.batches import lengths as module
from maskdpo_xtuner.batches.collate import mask_preference_collate_fn
from maskdpo_xtuner.batches.lengths import pair_lengths
from tests.items import Sides, chosen_alone, sides, tokenized_pairs

pairs = st.lists(st.tuples(sides(), sides()), min_size=1, max_size=7)


@given(pairs, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_computed_tokens_are_those_of_the_collated_row(
    pairs: list[Sides], share_prompt: bool, cut_tail: bool, alone: bool
) -> None:
    dataset = tokenized_pairs(pairs)
    if alone:
        dataset = chosen_alone(dataset)
    computed = pair_lengths(dataset).computed(share_prompt=share_prompt, cut_tail=cut_tail)
    for item, tokens in zip(dataset, computed, strict=True):
        batch = mask_preference_collate_fn([item], share_prompt=share_prompt, cut_tail=cut_tail)
        assert batch['data']['num_tokens'] == tokens


@given(pairs)
@settings(max_examples=30, deadline=None)
def test_supervised_tokens_are_those_of_the_collated_row(pairs: list[Sides]) -> None:
    dataset = tokenized_pairs(pairs)
    for items in (dataset, chosen_alone(dataset)):
        counts = mask_preference_collate_fn(list(items))['data']['counts']
        assert pair_lengths(items).supervised.flatten().tolist() == counts.tolist()


def test_selected_rows_are_counted_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'BATCH', 2)
    side = ([1, 2], [-100, 2])
    pairs = [((list(range(n)), [-100] * (n - 1) + [n - 1]), side) for n in range(3, 10)]
    chosen = pair_lengths(tokenized_pairs(pairs).select([6, 0, 4, 2, 1])).lengths[:, 0]
    assert chosen.tolist() == [9, 3, 7, 5, 4]
