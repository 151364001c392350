"""Attention within sequences by a flash kernel, held against the plain computation in fp64.

These run where there is a GPU, and are skipped elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.modeling.attention import (
    SequenceMask,
    enable_sequences,
    sequence_attention_forward,
)
from maskdpo_xtuner.modeling.flash import can_flash

if not torch.cuda.is_available():
    pytest.skip('no GPU', allow_module_level=True)

SHARED = (
    (0, 300, 0, 0),  # prompt and chosen response
    (300, 420, 0, 100),  # a rejected response that shares the prompt of 100 tokens
    (420, 421, 0, 0),  # a single token
    (421, 768, 0, 0),
)
PACKED = ((0, 17, 0, 0), (17, 512, 0, 0), (512, 768, 0, 0))
LAYOUTS = {'shared prompt': SHARED, 'packed': PACKED}


def by_hand(
    states: Sequence[Tensor], sequences: Sequence[Sequence[int]], window: int = 10_000
) -> Tensor:
    """Attention by its definition: (length, heads, size) from states of the same shape."""
    query, key, value = states
    groups = query.shape[1] // key.shape[1]
    parts = []
    for start, end, first, stop in sequences:
        seen = [*range(first, stop), *range(start, end)]
        keys, values = (each[seen].repeat_interleave(groups, 1) for each in (key, value))
        scores = torch.einsum('qhd,khd->hqk', query[start:end], keys) * query.shape[-1] ** -0.5
        own = torch.ones(scores.shape[1:], dtype=torch.bool, device=query.device)
        hidden = ~own.tril(stop - first).triu(stop - first - window + 1)
        weights = scores.masked_fill(hidden, float('-inf')).softmax(-1)
        parts.append(torch.einsum('hqk,khd->qhd', weights, values))
    return torch.cat(parts)


def states_of(dtype: torch.dtype, heads: tuple[int, int], size: int) -> list[Tensor]:
    """Queries, keys and values of one row of 768 tokens, the same numbers in each precision."""
    draw = torch.Generator().manual_seed(0)
    return [
        torch.randn(1, number, 768, size, generator=draw)
        .to(torch.bfloat16)
        .to('cuda', dtype)
        .requires_grad_()
        for number in (heads[0], heads[1], heads[1])
    ]


@pytest.mark.parametrize('layout', sorted(LAYOUTS))
@pytest.mark.parametrize('heads', [(4, 4), (8, 2)])
@pytest.mark.parametrize(('size', 'window'), [(64, None), (128, None), (64, 50)])
def test_a_flash_kernel_is_as_near_to_fp64_as_bf16_can_be(
    layout: str, heads: tuple[int, int], size: int, window: int | None
) -> None:
    sequences = LAYOUTS[layout]
    module: Any = SimpleNamespace(num_key_value_groups=heads[0] // heads[1])
    exact, coarse = states_of(torch.float64, heads, size), states_of(torch.bfloat16, heads, size)
    assert can_flash(coarse[0], coarse[2])
    assert not can_flash(exact[0], exact[2])
    expected = by_hand([each[0].transpose(0, 1) for each in exact], sequences, window or 10_000)
    query, key, value = coarse
    mask = SequenceMask(torch.tensor(sequences)).within(window)
    found, _ = sequence_attention_forward(module, query, key, value, mask)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to('cuda')
    (expected * weights).sum().backward()
    (found[0] * weights).sum().backward()
    assert_near(found[0], expected)
    for mine, theirs in zip(coarse, exact, strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert_near(mine.grad, theirs.grad)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """bf16 has 8 bits: what is added up in fp32 and rounded once is right to about 0.4 %."""
    error = (found.double() - expected).norm() / expected.norm()
    assert error < 0.01, f'relative error {error:.4f}'


def test_a_model_in_bf16_says_of_a_packed_row_what_it_says_of_each_sequence_alone() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = LlamaForCausalLM(config).to('cuda', torch.bfloat16)
    ids = torch.randint(512, (1, 768), device='cuda')
    plain = [
        model(torch.cat((ids[:, first:stop], ids[:, start:end]), 1)).logits[0, stop - first :]
        for start, end, first, stop in SHARED
    ]
    positions = torch.cat(
        [
            torch.arange(stop - first, stop - first + end - start)
            for start, end, first, stop in SHARED
        ]
    )
    enable_sequences(model)
    found = model.model(
        ids,
        attention_mask=SequenceMask(torch.tensor(SHARED)),
        position_ids=positions.view(1, -1).to('cuda'),
    )
    logits = model.lm_head(found.last_hidden_state)[0]
    difference = (logits - torch.cat(plain)).float().norm() / torch.cat(plain).float().norm()
    assert difference < 0.02
