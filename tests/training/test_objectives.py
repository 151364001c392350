"""What is particular to the objectives of the paper's Table 8 in the model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from torch import Tensor
from torch.nn import functional as F
from xtuner.registry import BUILDER

from maskdpo_xtuner.training import mask_preference_collate_fn
from tests.preference_items import random_items, token_terms

Data = dict[str, Tensor]
BETA = 0.3


def build(folder: Path, **options: Any) -> Any:
    """A model in fp64 whose policy has moved away from the reference."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    config = ConfigDict(type='MaskDPO', llm=llm, beta=BETA, reference='model', **options)
    model = BUILDER.build(config).double()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.llm.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.fixture
def data() -> Data:
    found: Data = mask_preference_collate_fn(random_items(1, pairs=2))['data']
    return found


def test_sepo_is_the_mean_log_probability_without_a_reference(tiny_model: Path) -> None:
    model, items = build(tiny_model, loss_type='sepo'), random_items(1, pairs=2)
    terms = token_terms(lambda ids: model.llm(ids).logits, items)
    means = torch.stack(
        [
            (logs.gather(-1, ids.unsqueeze(-1)).squeeze(-1) * weights).sum() / weights.sum()
            for logs, ids, weights in terms
        ]
    )
    assert model.ref_llm is None
    loss = model.compute_loss(**mask_preference_collate_fn(items))['loss']
    expected = -F.logsigmoid(BETA * (means[::2] - means[1::2]))
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize('loss_type', ['tdpo1', 'tdpo2'])
def test_in_bf16_a_policy_at_its_reference_has_no_divergence(
    tiny_model: Path, data: Data, loss_type: str
) -> None:
    model = build(tiny_model, loss_type=loss_type)
    model.llm.load_state_dict(model.ref_llm.state_dict())
    losses = model.bfloat16().compute_loss(data)
    assert losses['loss'].tolist() == pytest.approx([math.log(2)] * 2, rel=1e-6)
    assert losses['rewards/margins'] == 0


def test_options_of_a_loss_are_settings_of_the_model(tiny_model: Path, data: Data) -> None:
    plain, without = (
        build(tiny_model, loss_type=kind, loss_options=options).compute_loss(data)['loss']
        for kind, options in (('sigmoid', {}), ('dpop', {'penalty': 0.0}))
    )
    assert torch.equal(plain, without)
    with pytest.raises(ValueError, match="'tdpo1' has no alpha"):
        build(tiny_model, loss_type='tdpo1', loss_options={'alpha': 0.5})
