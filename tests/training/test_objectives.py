"""The objectives of the paper's Table 8 in the model, against logits taken whole."""

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

Data = dict[str, Tensor]
BETA = 0.3


def build(folder: Path, **options: Any) -> Any:
    """A model in fp64 whose policy, but for LoRA, has moved away from the reference."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    config = ConfigDict(type='MaskDPO', llm=llm, beta=BETA, **options)
    model = BUILDER.build(config).double()
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.llm.named_parameters():
            if 'lora' not in options or 'lora_' in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model


@pytest.fixture
def data() -> Data:
    """Two pairs of rows of 12 tokens, the last two of which are padding in two rows."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 1000, (4, 12), generator=generator)
    attention = torch.ones_like(ids, dtype=torch.bool)
    attention[1:3, 10:] = False
    supervised = (torch.rand(ids.shape, generator=generator) < 0.5) & attention
    supervised[:, :4], supervised[:, 6] = False, True
    return {
        'input_ids': ids,
        'attention_mask': attention,
        'position_ids': torch.arange(12).repeat(4, 1),
        'labels': ids.where(supervised, -100),
        'weights': supervised * torch.rand(ids.shape, generator=generator),
    }


def sums(model: Any, data: Data) -> tuple[Tensor, Tensor]:
    """Weighted sums of log-ratios and of KL(reference || policy) from whole distributions."""
    inputs = {key: value for key, value in data.items() if key not in ('labels', 'weights')}
    policy = model.llm(**inputs).logits[:, :-1].log_softmax(-1)
    with torch.no_grad():
        if model.ref_llm is not None:
            reference = model.ref_llm(**inputs).logits[:, :-1].log_softmax(-1)
        else:
            with model.llm.disable_adapter():
                reference = model.llm(**inputs).logits[:, :-1].log_softmax(-1)
    weights, targets = data['weights'][:, 1:], data['input_ids'][:, 1:].unsqueeze(-1)
    ratios = (policy - reference).gather(-1, targets).squeeze(-1)
    divergences = (reference.exp() * (reference - policy)).sum(-1)
    return (ratios * weights).sum(-1), (divergences * weights).sum(-1)


def expected(loss_type: str, ratios: Tensor, kls: Tensor) -> Tensor:
    margins, divergence = ratios[::2] - ratios[1::2], kls[1::2] - kls[::2]
    if loss_type == 'dpop':
        return -F.logsigmoid(BETA * (margins - 50 * (-ratios[::2]).clamp(min=0)))
    if loss_type == 'tdpo1':
        return -F.logsigmoid(BETA * (margins - divergence))
    return -F.logsigmoid(BETA * (margins - 0.5 * (kls[1::2] - kls[::2].detach())))


def gradients(model: Any, loss: Tensor) -> dict[str, Tensor]:
    # XTuner's activation checkpointing works with backward() only.
    model.zero_grad()
    loss.sum().backward()
    trained = model.llm.named_parameters()
    return {name: value.grad.clone() for name, value in trained if value.requires_grad}


@pytest.mark.parametrize('lora', [False, True], ids=['full', 'lora'])
@pytest.mark.parametrize('checkpointing', [False, True], ids=['plain', 'checkpointing'])
@pytest.mark.parametrize('loss_type', ['dpop', 'tdpo1', 'tdpo2'])
def test_loss_and_gradients_are_those_of_whole_distributions(
    tiny_model: Path, data: Data, loss_type: str, checkpointing: bool, lora: bool
) -> None:
    options: dict[str, Any] = {'use_activation_checkpointing': checkpointing}
    if lora:
        options['lora'] = {'type': 'peft.LoraConfig', 'r': 4, 'task_type': 'CAUSAL_LM'}
    model = build(tiny_model, loss_type=loss_type, **options).train()
    loss = model.compute_loss(data)['loss']
    plain = expected(loss_type, *sums(model, data))
    torch.testing.assert_close(loss, plain, rtol=1e-9, atol=0)
    found, wanted = gradients(model, loss), gradients(model, plain)
    assert any(value.any() for value in wanted.values())
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-12)


def test_sepo_is_the_mean_log_probability_without_a_reference(tiny_model: Path, data: Data) -> None:
    model = build(tiny_model, loss_type='sepo')
    data['weights'] = (data['labels'] != -100).float()
    inputs = {key: value for key, value in data.items() if key not in ('labels', 'weights')}
    logps = model.llm(**inputs).logits[:, :-1].log_softmax(-1)
    targets, weights = data['input_ids'][:, 1:].unsqueeze(-1), data['weights'][:, 1:]
    means = (logps.gather(-1, targets).squeeze(-1) * weights).sum(-1) / weights.sum(-1)
    model.ref_llm = None
    loss = model.compute_loss(data)['loss']
    torch.testing.assert_close(loss, -F.logsigmoid(BETA * (means[::2] - means[1::2])))


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
