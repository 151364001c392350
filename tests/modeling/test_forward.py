"""The exact shortcuts in a training loop of one's own, without XTuner."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.modeling import LogitsSettings, supervised_logps
from maskdpo_xtuner.objectives import TokenTerms, build_objective, pair_values
from tests.preference_items import plain_sums, random_items


def model(seed: int) -> Any:
    torch.manual_seed(seed)
    shape = {'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 2}
    config = LlamaConfig(vocab_size=1000, num_attention_heads=4, num_key_value_heads=2, **shape)
    return LlamaForCausalLM(config)


@pytest.mark.parametrize('layout', [{}, {'pack': False, 'share_prompt': False, 'cut_tail': False}])
def test_items_become_batches_log_probabilities_and_a_loss(layout: dict[str, bool]) -> None:
    policy, reference, items = model(0), model(1), random_items(1)
    objective = build_objective('sigmoid', beta=0.3, nll=0.5)

    data = mask_preference_collate_fn(items, **layout)['data']
    with torch.no_grad():
        known = supervised_logps(reference, data, LogitsSettings())
    logps = supervised_logps(policy, data, LogitsSettings())
    values = pair_values(objective, TokenTerms(logps, data['weights'], known), data['counts'])
    values.loss.mean().backward()

    ratios, _, sums, weights = plain_sums(
        lambda ids: policy(ids).logits, lambda ids: reference(ids).logits, items
    )
    expected = -torch.nn.functional.logsigmoid(0.3 * (ratios[::2] - ratios[1::2]))
    torch.testing.assert_close(values.loss, expected - 0.5 * (sums / weights)[::2])
    assert all(parameter.grad is not None for parameter in policy.parameters())


@pytest.mark.parametrize('supervised_only', [True, False])
def test_no_keys_and_values_are_kept_for_a_next_token(supervised_only: bool) -> None:
    policy = model(0)
    kept: list[Any] = []
    policy.model.register_forward_hook(lambda *call: kept.append(call[-1].past_key_values))

    data = mask_preference_collate_fn(random_items(1))['data']
    supervised_logps(policy, data, LogitsSettings(supervised_only=supervised_only))

    assert policy.config.use_cache
    assert kept == [None]


def norm_in_its_own_precision(self: Any, hidden: Tensor) -> Tensor:
    """`LlamaRMSNorm` without its cast to fp32, of which each copy of a token has its own error."""
    variance = hidden.pow(2).mean(-1, keepdim=True)
    normed: Tensor = self.weight * hidden * torch.rsqrt(variance + self.variance_epsilon)
    return normed


@pytest.mark.parametrize('layout', product([True, False], repeat=3))
def test_in_fp64_gradients_of_all_layouts_agree_to_its_rounding(
    layout: tuple[bool, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LlamaRMSNorm, 'forward', norm_in_its_own_precision)
    policy = model(0).double()

    def gradients(values: tuple[bool, ...]) -> tuple[Tensor, ...]:
        options = dict(zip(('pack', 'share_prompt', 'cut_tail'), values, strict=True))
        data = mask_preference_collate_fn(random_items(1), **options)['data']
        logps = supervised_logps(policy, data, LogitsSettings())
        return torch.autograd.grad((logps * data['weights']).sum(), list(policy.parameters()))

    for found, expected in zip(gradients(layout), gradients((False,) * 3), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)
