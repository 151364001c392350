"""Decoder and head apart give the logits of the whole model, family by family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING

from maskdpo_xtuner.engines.triton_ops import supply_triton_ops
from maskdpo_xtuner.modeling.heads import check_head, hidden_states, output_logits

supply_triton_ops()  # peft imports bitsandbytes

SHAPE = {
    'vocab_size': 50,
    'hidden_size': 16,
    'intermediate_size': 32,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'num_key_value_heads': 2,
    'head_dim': 8,
    'pad_token_id': 0,
}
FAMILIES: dict[str, dict[str, Any]] = {
    'llama': {'tie_word_embeddings': True},
    'qwen2': {'tie_word_embeddings': False},
    'mistral': {},
    'gemma2': {'final_logit_softcapping': 0.1},
    'granite': {'logits_scaling': 7.0},
    'cohere': {'logit_scale': 0.3},
    'phi': {},  # its head has a bias
}


def build(family: str) -> Any:
    torch.manual_seed(0)
    options = {**SHAPE, **FAMILIES[family]}
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[family](**options)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def inputs() -> dict[str, torch.Tensor]:
    ids = torch.randint(1, 50, (2, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    return {'input_ids': ids, 'attention_mask': mask}


@pytest.mark.parametrize('family', FAMILIES)
def test_decoder_and_head_are_the_model(family: str) -> None:
    model = build(family)
    found = output_logits(model, hidden_states(model, inputs()))
    torch.testing.assert_close(found, model(**inputs()).logits, rtol=1e-12, atol=1e-12)


def test_adapters_count_unless_they_are_disabled() -> None:
    model = get_peft_model(build('llama'), LoraConfig(r=2, init_lora_weights=False))
    with torch.no_grad():
        adapted = output_logits(model, hidden_states(model, inputs()))
        torch.testing.assert_close(adapted, model(**inputs()).logits)
        with model.disable_adapter():
            base = output_logits(model, hidden_states(model, inputs()))
    assert not torch.allclose(adapted, base)


def test_an_fp32_product_is_that_of_the_weights_as_they_are() -> None:
    model = build('phi').bfloat16()
    hidden = torch.randn(3, 16, generator=torch.Generator().manual_seed(2)).bfloat16()
    found = output_logits(model, hidden, fp32=True)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, build('phi').bfloat16().float().lm_head(hidden.float()))
    assert not torch.equal(found, output_logits(model, hidden).float())


def test_an_fp32_product_leaves_no_adapter_out() -> None:
    adapted = get_peft_model(build('llama'), LoraConfig(r=2, target_modules=['lm_head']))
    with pytest.raises(ValueError, match='logits.fp32 needs a plain linear head'):
        output_logits(adapted, torch.zeros(1, 16).double(), fp32=True)


@pytest.mark.parametrize('family', FAMILIES)
def test_known_heads_pass_in_training_mode_too(family: str) -> None:
    model = build(family).train()
    check_head(model, inputs()['input_ids'])
    assert model.training


def test_a_head_that_does_something_unknown_is_refused() -> None:
    model = build('llama')
    forward = model.forward

    def scaled(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        output.logits = output.logits * 1.1
        return output

    model.forward = scaled
    with pytest.raises(ValueError, match='LlamaForCausalLM.*logits.supervised_only=False'):
        check_head(model, inputs()['input_ids'])


def test_a_decoder_that_cannot_be_called_apart_is_refused() -> None:
    model = build('llama')
    model.get_decoder = lambda: nn.Linear(2, 2)  # as in ModernBERT, whose "decoder" is its head
    with pytest.raises(ValueError, match=r'LlamaFor.* \(TypeError: .*input_ids.*supervised_only=F'):
        check_head(model, inputs()['input_ids'])


def test_logits_of_another_size_are_refused() -> None:
    model = build('llama')
    model.get_output_embeddings = lambda: nn.Linear(16, 7).double()
    with pytest.raises(ValueError, match=r'LlamaForCausalLM.*logits.supervised_only=False'):
        check_head(model, inputs()['input_ids'])


def test_logits_that_are_not_finite_are_left_to_the_loss() -> None:
    model = build('llama')
    with torch.no_grad():
        model.get_output_embeddings().weight.fill_(float('nan'))
    check_head(model, inputs()['input_ids'])


def test_looking_at_a_head_in_autocast_leaves_the_gradients_there() -> None:
    model, ids = build('llama').float(), inputs()['input_ids']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        check_head(model, ids)
        loss = model(ids).logits.sum()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
