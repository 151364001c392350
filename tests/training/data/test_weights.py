"""Weights of spans, from the record to the loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import FUNCTIONS
from transformers import AutoTokenizer
from xtuner.registry import BUILDER

from maskdpo_xtuner.training import build_mask_preference_dataset, mask_preference_collate_fn
from tests.preference_pairs import CORRECT, WRONG, WritePairs, released_pair

Batch = dict[str, torch.Tensor]


def weighted_pair(chosen: tuple[float, float], rejected: tuple[float, float]) -> dict[str, Any]:
    """A pair of the same two sentences, weighted."""
    items: dict[str, Any] = {
        f'{side}_item': {'sents': [CORRECT, WRONG], 'weights': list(weights)}
        for side, weights in (('chosen', chosen), ('rejected', rejected))
    }
    return released_pair(chosen=(CORRECT, WRONG), rejected=(CORRECT, WRONG), **items)


def batch(path: Path, tokenizer: Any) -> Batch:
    pairs = {'type': 'load_preference_pairs', 'path': str(path)}
    items = build_mask_preference_dataset(pairs, tokenizer, 512, end_of_turn='never')
    found: Batch = mask_preference_collate_fn(list(items))['data']
    return found


@pytest.fixture(scope='session')
def tokenizer(smollm2: Path) -> Any:
    return AutoTokenizer.from_pretrained(smollm2)


@pytest.fixture(scope='module')
def model(tiny_model: Path) -> Any:
    """In fp64, its policy moved away from the reference."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(tiny_model),
        'torch_dtype': 'torch.float32',
    }
    model = BUILDER.build(ConfigDict(type='MaskDPO', llm=llm, reference='model')).double()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.llm.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def test_weights_of_0_and_1_are_the_mask_of_labels(write_pairs: WritePairs, tokenizer: Any) -> None:
    weighted = batch(write_pairs([weighted_pair((1, 0), (0, 1))]), tokenizer)
    labelled = released_pair(chosen=(CORRECT, WRONG), rejected=(CORRECT, WRONG))
    plain = batch(write_pairs([labelled]), tokenizer)
    assert set(weighted) == set(plain)
    assert all(torch.equal(weighted[name], plain[name]) for name in plain)
    assert (plain['weights'] == 1).all()


def test_rewards_are_weighted_sums_of_those_of_the_spans(
    write_pairs: WritePairs, tokenizer: Any, model: Any
) -> None:
    pairs = [weighted_pair(weights, (1, 0)) for weights in ((0.5, 3), (1, 0), (0, 1))]
    both, first, second = (
        model.compute_loss(batch(write_pairs([pair]), tokenizer))['rewards/chosen']
        for pair in pairs
    )
    torch.testing.assert_close(both, 0.5 * first + 3 * second, rtol=1e-12, atol=0)


def test_the_tokens_of_a_span_carry_its_weight(write_pairs: WritePairs, tokenizer: Any) -> None:
    pairs = [
        weighted_pair((0.5, 2), (0, 1)),
        released_pair(chosen=(CORRECT,) * 9, rejected=(WRONG,)),
    ]
    data = batch(write_pairs(pairs), tokenizer)
    assert data['weights'].shape == data['targets'].shape
    count = int(data['counts'][0])
    chosen, ids = data['weights'][:count], data['targets'][:count]
    text = {w: tokenizer.decode(ids[chosen == w]) for w in (0.5, 2)}
    assert text == {0.5: CORRECT, 2: ' ' + WRONG}
    assert (data['weights'] != 0).all()


def test_a_pair_whose_weights_are_all_0_is_dropped(write_pairs: WritePairs, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match=r'rejected: no sentence to supervise \(1\)'):
        batch(write_pairs([weighted_pair((1, 0), (0, 0))]), tokenizer)


def test_configs_find_the_collate_function() -> None:
    assert FUNCTIONS.get('mask_preference_collate_fn') is mask_preference_collate_fn
