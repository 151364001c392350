"""Sequences that lie end to end, family by family, against one forward pass for each."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING

from maskdpo_xtuner.modeling.attention import (
    SequenceMask,
    enable_sequences,
    sequence_attention_forward,
)
from maskdpo_xtuner.modeling.flash import flash_attention
from maskdpo_xtuner.modeling.versions import ALL_MASK_ATTENTION_FUNCTIONS

SHAPE = {
    'vocab_size': 50,
    'hidden_size': 16,
    'intermediate_size': 32,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'head_dim': 4,
    'pad_token_id': 0,
}
# A prompt of 3 with responses of 4 and 2 tokens, and one response of 5 that shares nothing.
PROMPT, FIRST, SECOND, OTHER = (
    torch.randint(1, 50, (length,), generator=torch.Generator().manual_seed(length))
    for length in (3, 4, 2, 5)
)
SEQUENCES = torch.tensor([[0, 7, 0, 0], [7, 9, 0, 3], [9, 14, 0, 0], [14, 14, 9, 14]])


def build(family: str, **options: Any) -> Any:
    torch.manual_seed(0)
    config = CONFIG_MAPPING[family](**{**SHAPE, **options})
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def logits(model: Any, ids: Tensor, positions: Tensor, sequences: Tensor) -> Tensor:
    enable_sequences(model)
    mask = SequenceMask(sequences)
    inputs = {'input_ids': ids, 'position_ids': positions, 'attention_mask': mask}
    result: Tensor = model(**inputs, use_cache=False).logits
    return result


FAMILIES = (
    *('cohere', 'gemma', 'glm', 'granite', 'llama'),
    *('mistral', 'olmo', 'olmo2', 'phi', 'qwen2'),
)


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('rows', [1, 2])
def test_sequences_are_what_they_are_alone(family: str, rows: int) -> None:
    options = {'sliding_window': None} if family == 'mistral' else {}
    assert_alone(build(family, **options), rows)


def assert_alone(model: Any, rows: int) -> None:
    ids = torch.cat((PROMPT, FIRST, SECOND, OTHER)).view(rows, -1)
    positions = torch.cat((torch.arange(7), torch.arange(3, 5), torch.arange(5))).view(rows, -1)
    alone = [
        model(row.unsqueeze(0)).logits[0]
        for row in (torch.cat((PROMPT, FIRST)), torch.cat((PROMPT, SECOND)), OTHER)
    ]
    expected = torch.cat((alone[0], alone[1][3:], alone[2]))
    found = logits(model, ids, positions, SEQUENCES).flatten(0, 1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_an_ordinary_mask_gets_ordinary_attention() -> None:
    model, ids = build('llama'), OTHER.unsqueeze(0)
    mask = torch.tensor([[1, 1, 1, 0, 0]])
    before = model(ids, attention_mask=mask).logits[:, :3]
    enable_sequences(model)
    torch.testing.assert_close(model(ids, attention_mask=mask).logits[:, :3], before)


@pytest.mark.skipif(ALL_MASK_ATTENTION_FUNCTIONS is None, reason='transformers < 4.53')
@pytest.mark.parametrize('window', [2, 4, 20])
@pytest.mark.parametrize('rows', [1, 2])
def test_a_window_reaches_over_the_shared_prompt(window: int, rows: int) -> None:
    model = build('mistral', sliding_window=window)
    assert_alone(model, rows)


def test_a_window_without_a_mask_of_its_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('maskdpo_xtuner.modeling.layers.ALL_MASK_ATTENTION_FUNCTIONS', None)
    with pytest.raises(ValueError, match='last 4096 tokens only .* 4.53 or newer'):
        enable_sequences(build('mistral', sliding_window=4096))


def test_a_model_may_take_a_view_of_what_it_is_given() -> None:
    states = (torch.randn(2, 4, 7, 8),) * 3
    layer, mask = SimpleNamespace(num_key_value_groups=1), SequenceMask(SEQUENCES)
    found, _ = sequence_attention_forward(layer, *states, mask)  # type: ignore[arg-type]
    assert found.view(2, 7, 32).shape == (2, 7, 32)


def test_attention_that_cannot_be_chosen_is_refused() -> None:
    small = {'n_embd': 16, 'n_layer': 1, 'n_head': 2}
    with pytest.raises(ValueError, match=r'BloomForCausalLM .*collate_fn\.share_prompt=False'):
        enable_sequences(build('bloom', **small))


def test_code_that_does_not_ask_for_the_attention_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build('llama')
    monkeypatch.delattr('transformers.models.llama.modeling_llama.ALL_ATTENTION_FUNCTIONS')
    with pytest.raises(ValueError, match='LlamaForCausalLM computes its attention by itself'):
        enable_sequences(model)


def test_capped_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r'caps the scores of its attention at 50 .*pack=False'):
        enable_sequences(build('gemma2'))


class Convolved(nn.Module):
    """A layer that mixes tokens beside its attention, as Mamba's and those of linear attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3)


def test_layers_that_mix_tokens_by_themselves_are_refused() -> None:
    model = build('llama')
    model.model.layers[1].mixer = Convolved()
    with pytest.raises(ValueError, match=r'a convolution over tokens \(Conv1d\).*pack=False'):
        enable_sequences(model)


def test_layers_of_another_kind_are_refused() -> None:
    model = build('llama')
    model.config.layer_types = ['full_attention', 'linear_attention']
    with pytest.raises(ValueError, match='has layers of linear_attention, which no mask keeps'):
        enable_sequences(model)


def test_an_option_of_attention_that_is_not_known_is_refused() -> None:
    states = (torch.zeros(1, 4, 14, 8),) * 3
    mask, layer = SequenceMask(SEQUENCES), SimpleNamespace()
    asked = r'asks for known_to_nobody, s_aux \(sinks\), softcap \(capped scores\), .*pack=False'
    options = {'softcap': 30.0, 's_aux': states[0], 'known_to_nobody': True, 'sliding_window': 4}
    with pytest.raises(ValueError, match=asked):
        sequence_attention_forward(layer, *states, mask, **options)  # type: ignore[arg-type]


def varlen_by_hand(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    window_size: tuple[int, int],
    **_: Any,
) -> Tensor:
    """What `flash_attn_varlen_func` is documented to do: causal, aligned at the end."""
    parts, groups = [], query.shape[1] // key.shape[1]
    bounds = zip(pairwise(cu_seqlens_q.tolist()), pairwise(cu_seqlens_k.tolist()), strict=True)
    for (q0, q1), (k0, k1) in bounds:
        keys, values = (t[k0:k1].repeat_interleave(groups, 1) for t in (key, value))
        scores = torch.einsum('qhd,khd->hqk', query[q0:q1], keys) * query.shape[-1] ** -0.5
        last = k1 - k0 - (q1 - q0)
        seen = torch.ones(q1 - q0, k1 - k0, dtype=torch.bool).tril(last)
        if window_size[0] >= 0:
            seen = seen.triu(last - window_size[0])
        weights = scores.masked_fill(~seen, float('-inf')).softmax(-1)
        parts.append(torch.einsum('hqk,khd->qhd', weights, values))
    return torch.cat(parts)


def torch_by_hand(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cum_seq_q: Tensor,
    cum_seq_k: Tensor,
    *_: Any,
    window_size_left: int | None,
    **__: Any,
) -> tuple[Tensor]:
    """What torch's own kernel does, whose windows are None where there is none."""
    window = (-1, -1) if window_size_left is None else (window_size_left, 0)
    return (varlen_by_hand(query, key, value, cum_seq_q, cum_seq_k, window),)


@pytest.mark.parametrize('installed', [True, False])
@pytest.mark.parametrize('window', [None, 1, 4, 20])
@pytest.mark.parametrize('rows', [1, 2])
def test_one_call_of_a_flash_kernel_gives_the_same(
    rows: int, window: int | None, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType('flash_attn')
    module.flash_attn_varlen_func = varlen_by_hand  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'flash_attn', module)
    monkeypatch.setattr(torch.ops.aten, '_flash_attention_forward', torch_by_hand)
    monkeypatch.setattr('maskdpo_xtuner.modeling.flash._is_flash_attn_installed', lambda: installed)
    draw = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(rows, heads, 14 // rows, 8, generator=draw) for heads in (4, 2, 2)
    )
    layer = SimpleNamespace(num_key_value_groups=2)
    mask = SequenceMask(SEQUENCES).within(window)
    expected, _ = sequence_attention_forward(layer, query, key, value, mask)  # type: ignore[arg-type]
    found = flash_attention(query, key, value, mask.key_bounds(query.device), 0.0, None, window)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
