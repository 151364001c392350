"""The exact shortcuts in a training loop of one's own, without XTuner."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

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
