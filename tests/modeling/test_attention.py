"""Sequences that lie end to end, family by family, against one forward pass for each."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING

from maskdpo_xtuner.modeling.attention import (
    MODEL_TYPES,
    SequenceMask,
    enable_sequences,
    sequence_attention_forward,
)
from maskdpo_xtuner.modeling.flash import flash_attention

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


@pytest.mark.parametrize('family', sorted(MODEL_TYPES))
@pytest.mark.parametrize('rows', [1, 2])
def test_sequences_are_what_they_are_alone(family: str, rows: int) -> None:
    options = {'sliding_window': None} if family == 'mistral' else {}
    model = build(family, **options)
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


def test_a_model_that_is_not_known_is_refused() -> None:
    small = {'n_embd': 16, 'n_layer': 1, 'n_head': 2}
    with pytest.raises(ValueError, match=r"type 'gpt2'.*collate_fn\.share_prompt=False"):
        enable_sequences(build('gpt2', **small))


def test_a_sliding_window_is_refused() -> None:
    with pytest.raises(ValueError, match='last 4096 tokens only'):
        enable_sequences(build('mistral', sliding_window=4096))


def test_code_that_does_not_ask_for_the_attention_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build('llama')
    monkeypatch.delattr('transformers.models.llama.modeling_llama.ALL_ATTENTION_FUNCTIONS')
    with pytest.raises(ValueError, match="type 'llama'"):
        enable_sequences(model)


def varlen_by_hand(
    query: Tensor, key: Tensor, value: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor, **_: Any
) -> Tensor:
    """What `flash_attn_varlen_func` is documented to do: causal, aligned at the end."""
    parts, groups = [], query.shape[1] // key.shape[1]
    bounds = zip(pairwise(cu_seqlens_q.tolist()), pairwise(cu_seqlens_k.tolist()), strict=True)
    for (q0, q1), (k0, k1) in bounds:
        keys, values = (t[k0:k1].repeat_interleave(groups, 1) for t in (key, value))
        scores = torch.einsum('qhd,khd->hqk', query[q0:q1], keys) * query.shape[-1] ** -0.5
        seen = torch.ones(q1 - q0, k1 - k0, dtype=torch.bool).tril(k1 - k0 - (q1 - q0))
        weights = scores.masked_fill(~seen, float('-inf')).softmax(-1)
        parts.append(torch.einsum('hqk,khd->qhd', weights, values))
    return torch.cat(parts)


@pytest.mark.parametrize('rows', [1, 2])
def test_one_call_of_flash_attn_gives_the_same(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType('flash_attn')
    module.flash_attn_varlen_func = varlen_by_hand  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'flash_attn', module)
    monkeypatch.setattr('maskdpo_xtuner.modeling.flash._is_flash_attn_installed', lambda: True)
    draw = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(rows, heads, 14 // rows, 8, generator=draw) for heads in (4, 2, 2)
    )
    layer = SimpleNamespace(num_key_value_groups=2)
    mask = SequenceMask(SEQUENCES)
    expected, _ = sequence_attention_forward(layer, query, key, value, mask)  # type: ignore[arg-type]
    found = flash_attention(query, key, value, mask.key_bounds(query.device), 0.0, None)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
