"""Log-probabilities of supervised tokens against fp64 by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from maskdpo_xtuner.objectives import chunked_token_logps, token_logps

Batch = tuple[Tensor, Tensor]


def by_hand(logits: Tensor, targets: Tensor) -> list[float]:
    """The same in plain Python floats (fp64)."""
    pairs = zip(logits.tolist(), targets.tolist(), strict=True)
    return [scores[i] - math.log(sum(math.exp(s) for s in scores)) for scores, i in pairs]


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(10, 11, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 11, (10,), generator=generator)
    targets[0] = 0  # an id like any other
    return logits, targets


def test_equals_fp64_by_hand(batch: Batch) -> None:
    expected = torch.tensor(by_hand(*batch), dtype=torch.float64)
    torch.testing.assert_close(token_logps(*batch), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_logits_give_fp32(batch: Batch, dtype: torch.dtype) -> None:
    logits, targets = batch
    rounded = logits.to(dtype)
    result = token_logps(rounded, targets)
    assert result.dtype == torch.float32
    expected = token_logps(rounded.double(), targets).float()
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize('chunk_size', [1, 3, 10, 100])
def test_chunks_give_the_values_and_gradients_of_the_whole(batch: Batch, chunk_size: int) -> None:
    targets, generator = batch[1], torch.Generator().manual_seed(1)
    head = torch.nn.Linear(6, 11, dtype=torch.float64)
    hidden = torch.randn(10, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    chunked = chunked_token_logps(hidden, head, targets, chunk_size)
    whole = token_logps(head(hidden), targets)
    torch.testing.assert_close(chunked, whole, rtol=1e-12, atol=1e-13)
    factors = torch.linspace(0.5, 2.0, 10)
    found, wanted = (
        torch.autograd.grad((logps * factors).sum(), [hidden, *head.parameters()])
        for logps in (chunked, whole)
    )
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
