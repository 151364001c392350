from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper

from maskdpo_xtuner.training import MaskDPO
from maskdpo_xtuner.training.batches.collate import mask_preference_collate_fn
from maskdpo_xtuner.training.monitoring.finite import check_finite
from tests.training.items import pairs_of_lengths

SOURCES = ['pairs.jsonl:3', 'pairs.jsonl:8', 'more.jsonl:1']


@pytest.mark.parametrize('value', [float('nan'), float('inf'), float('-inf')])
def test_the_pairs_whose_loss_is_not_finite_are_named(value: float) -> None:
    loss = torch.tensor([0.7, value, value], requires_grad=True)
    expected = re.escape(f': pairs.jsonl:8 ({value}), more.jsonl:1 ({value}). ')
    with pytest.raises(FloatingPointError, match=expected):
        check_finite(loss, SOURCES)


def test_a_loss_of_both_sides_names_the_pair_of_either() -> None:
    loss = torch.tensor([0.0, 0.0, 0.0, float('nan'), 0.0, 0.0])
    with pytest.raises(FloatingPointError, match=r': pairs\.jsonl:3 \(nan\)\. '):
        check_finite(loss, SOURCES)


def test_a_finite_loss_passes() -> None:
    check_finite(torch.tensor([0.0, -1.0, 3e38]), SOURCES)


def test_weights_are_not_stepped_on_a_loss_that_is_not_finite(tiny_model: Path) -> None:
    kind = 'transformers.AutoModelForCausalLM.from_pretrained'
    llm = ConfigDict(type=kind, pretrained_model_name_or_path=str(tiny_model))
    model = MaskDPO(llm, reference='model')
    optimizer = torch.optim.SGD(model.llm.parameters(), lr=1.0)
    batch = mask_preference_collate_fn(list(pairs_of_lengths([3, 4])))
    check_finite(model.compute_loss(**batch)['loss'], batch['data_samples']['source'])
    model.llm.get_input_embeddings().weight.data[2] = float('nan')
    before = {name: value.clone() for name, value in model.llm.state_dict().items()}
    with pytest.raises(FloatingPointError, match=r'pairs\.jsonl:1 \(nan\), pairs\.jsonl:2 \(nan\)'):
        model.train_step(batch, OptimWrapper(optimizer))
    after = model.llm.state_dict()
    assert all(torch.equal(after[name].nan_to_num(), before[name].nan_to_num()) for name in before)
