"""The check of the first batch: a packed pair against the plain computation."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, Gemma2Config, LlamaConfig, LlamaForCausalLM
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.modeling import LogitsSettings, attention, supervised_logps
from maskdpo_xtuner.modeling.checking import check_forward
from maskdpo_xtuner.modeling.versions import check_transformers
from tests.preference_items import random_items


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    shape = {'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 2}
    config = LlamaConfig(vocab_size=1000, num_attention_heads=4, num_key_value_heads=2, **shape)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def batch(**layout: bool) -> dict[str, Tensor]:
    """Pairs whose responses have supervised tokens at their ends, among others."""
    items = random_items(1)
    for item, side in product(items, ('chosen', 'rejected')):
        item[f'{side}_labels'][-1], item[f'{side}_weights'][-1] = item[f'{side}_ids'][-1], 1.0
    data: dict[str, Tensor] = mask_preference_collate_fn(items, **layout)['data']
    return data


LAYOUTS = [{}, {'share_prompt': False}, {'pack': False}, {'pack': False, 'share_prompt': False}]


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_a_model_that_keeps_responses_apart_passes_and_is_left_as_it_was(
    model: Any, layout: dict[str, bool], dtype: torch.dtype
) -> None:
    model.to(dtype).train()
    check_forward(model, batch(**layout), LogitsSettings())
    assert model.training


def without_mask(layers: tuple[int, ...]) -> Any:
    """Attention that some layers were given no mask for, as by a transformers that makes masks."""

    def attend(
        module: Any, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kw: Any
    ) -> Any:
        mask = None if module.layer_idx in layers else mask
        return attention.sequence_attention_forward(module, query, key, value, mask, *args, **kw)

    return attend


@pytest.mark.parametrize('layers', [(0, 1), (1,)])
@pytest.mark.parametrize('settings', [LogitsSettings(), LogitsSettings(supervised_only=False)])
def test_packed_rows_that_lose_their_mask_in_a_layer_are_an_error(
    model: Any,
    layers: tuple[int, ...],
    settings: LogitsSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions = ALL_ATTENTION_FUNCTIONS
    monkeypatch.setitem(functions, attention.NAME, without_mask(layers))
    with pytest.raises(ValueError, match=r'of 2 layers of LlamaForCausalLM got the mask .*pack='):
        supervised_logps(model, batch(), settings)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('layout', LAYOUTS[:3])
def test_responses_that_see_each_other_stop_the_training(
    model: Any, layout: dict[str, bool], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leak(self: attention.SequenceMask, sequences: Tensor) -> None:
        self.sequences, self._key_bounds, self._layers_reached = [], None, [0]
        self.window = None
        self.sequences = [[0, int(sequences[-1, 1]), 0, 0]]

    monkeypatch.setattr(attention.SequenceMask, '__init__', leak)
    with pytest.raises(ValueError, match=r'packed responses are not .*share_prompt=False'):
        check_forward(model.to(dtype), batch(**layout), LogitsSettings())


def test_wrong_positions_stop_the_training(model: Any) -> None:
    data = batch()
    data['position_ids'] = torch.arange(data['input_ids'].numel()).unsqueeze(0)
    with pytest.raises(ValueError, match='not what they are alone; they differ by'):
        check_forward(model, data, LogitsSettings())


def test_values_that_are_not_finite_are_left_to_the_loss(model: Any) -> None:
    model.lm_head.weight.data.fill_(float('nan'))
    check_forward(model, batch(), LogitsSettings())


@pytest.mark.parametrize('version', ['4.47.1', '4.58.0', '5.0.0rc1'])
def test_other_versions_of_transformers_are_refused_with_those_that_are_known(version: str) -> None:
    with pytest.raises(ValueError, match=rf'{version} .*pip install "transformers>=4.48,<4.58"'):
        check_transformers(version)


def test_the_versions_between_are_not() -> None:
    check_transformers('4.48.0')
    check_transformers('4.57.6')


def test_scores_that_would_not_be_capped_stop_the_training_and_the_advice_trains() -> None:
    shape = {'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 2, 'head_dim': 8}
    config = Gemma2Config(vocab_size=1000, num_attention_heads=4, num_key_value_heads=2, **shape)
    data = batch(pack=False, share_prompt=False)
    model = AutoModelForCausalLM.from_config(config, attn_implementation='sdpa')
    with pytest.raises(ValueError, match=r"at 50 .* set model\.llm\.attn_implementation='eager'"):
        check_forward(model, data, LogitsSettings())
    eager = AutoModelForCausalLM.from_config(config, attn_implementation='eager')
    check_forward(eager, data, LogitsSettings())
    with pytest.raises(ValueError, match='caps the scores of its attention at 50 .*pack=False'):
        check_forward(eager, batch(), LogitsSettings())


def test_a_model_that_cannot_read_the_mask_is_told_how_to_train(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attend(module: Any, query: Any, key: Any, value: Any, mask: Any, *_: Any, **__: Any) -> Any:
        return mask.size(-1)

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS, attention.NAME, attend)
    with pytest.raises(ValueError, match=r'does not take the mask .*size.*share_prompt=False'):
        check_forward(model, batch(), LogitsSettings())
