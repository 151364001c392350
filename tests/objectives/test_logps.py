"""Log-probabilities of supervised tokens against fp64 by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from maskdpo_xtuner.objectives import masked_logratios, mean_logratios, token_logps


def by_hand(logits: Tensor, targets: Tensor, mask: Tensor) -> list[list[float]]:
    """The same in plain Python floats (fp64)."""
    result = []
    for row, ids, kept in zip(logits.tolist(), targets.tolist(), mask.tolist(), strict=True):
        result.append(
            [
                scores[i] - math.log(sum(math.exp(s) for s in scores)) if keep else 0.0
                for scores, i, keep in zip(row, ids, kept, strict=True)
            ]
        )
    return result


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 7, 11, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 11, (3, 7), generator=generator)
    mask = torch.rand(3, 7, generator=generator) < 0.5
    targets[0, 0], mask[0, 0] = 0, True
    return logits, targets, mask


def test_equals_fp64_by_hand(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    expected = torch.tensor(by_hand(*batch), dtype=torch.float64)
    torch.testing.assert_close(token_logps(*batch), expected, rtol=1e-12, atol=1e-12)


def test_token_id_zero_counts(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, targets, mask = batch
    assert token_logps(logits, targets, mask)[0, 0] == torch.log_softmax(logits[0, 0], -1)[0]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32])
def test_low_precision_logits_give_fp32(
    batch: tuple[Tensor, Tensor, Tensor], dtype: torch.dtype
) -> None:
    logits, targets, mask = batch
    rounded = logits.to(dtype)
    result = token_logps(rounded, targets, mask)
    assert result.dtype == torch.float32
    expected = token_logps(rounded.double(), targets, mask).float()
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)


def test_gradient_is_exactly_zero_outside_the_mask(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, targets, mask = batch
    logits.requires_grad_()
    token_logps(logits, targets, mask).sum().backward()
    assert logits.grad is not None
    assert (logits.grad[~mask] == 0).all()
    assert (logits.grad[mask] != 0).any(-1).all()


def test_infinite_logits_outside_the_mask_do_not_matter(
    batch: tuple[Tensor, Tensor, Tensor],
) -> None:
    logits, targets, mask = batch
    expected = token_logps(logits, targets, mask)
    logits = logits.masked_fill(~mask.unsqueeze(-1), float('inf'))
    torch.testing.assert_close(token_logps(logits, targets, mask), expected, rtol=0, atol=0)


def test_logratios_sum_and_average_over_supervised_tokens() -> None:
    policy = torch.tensor([[-1.0, -2.0, -4.0], [-1.0, -1.0, -1.0]])
    reference = torch.tensor([[-2.0, -9.0, -3.5], [-2.0, -3.0, -4.0]])
    mask = torch.tensor([[True, False, True], [True, True, True]])
    assert masked_logratios(policy, reference, mask).tolist() == [0.5, 6.0]
    assert mean_logratios(policy, reference, mask).tolist() == [0.25, 2.0]
