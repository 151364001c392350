"""KL divergence at supervised tokens against fp64 by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from maskdpo_xtuner.objectives import divergence_terms, kl_divergences, token_logps


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Policy logits, reference logits."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 10, 11, generator=generator, dtype=torch.float64)
    return 3 * logits[0], logits[1]


def by_hand(policy: list[float], reference: list[float]) -> float:
    """The divergence of one position in plain Python floats."""
    policy_total, reference_total = sum(map(math.exp, policy)), sum(map(math.exp, reference))
    p = [math.exp(score) / policy_total for score in policy]
    r = [math.exp(score) / reference_total for score in reference]
    return sum(b * math.log(b / a) for a, b in zip(p, r, strict=True))


def test_equals_fp64_by_hand(batch: tuple[Tensor, Tensor]) -> None:
    policy, reference = batch
    expected = [by_hand(*rows) for rows in zip(policy.tolist(), reference.tolist(), strict=True)]
    assert kl_divergences(policy, reference).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_reference_comes_first() -> None:
    """KL(reference || policy) is infinite where the policy excludes what the reference does."""
    certain, even = torch.tensor([0.0, -1000.0]), torch.tensor([0.0, 0.0])
    assert kl_divergences(certain, even).item() == pytest.approx(500 - math.log(2))
    assert kl_divergences(even, certain).item() == pytest.approx(math.log(2))


def test_a_probability_that_underflows_is_finite_in_value_and_gradient() -> None:
    policy = torch.tensor([0.0, -300.0, 5.0], requires_grad=True)
    divergence = kl_divergences(policy, torch.tensor([0.0, -400.0, 5.0]))
    divergence.backward()
    assert divergence.isfinite()
    assert policy.grad is not None
    assert policy.grad.isfinite().all()


def test_the_gradient_is_the_difference_of_the_distributions(
    batch: tuple[Tensor, Tensor],
) -> None:
    policy, reference = batch
    policy.requires_grad_()
    kl_divergences(policy, reference).sum().backward()
    expected = policy.softmax(-1) - reference.softmax(-1)
    assert policy.grad is not None
    torch.testing.assert_close(policy.grad, expected.detach(), rtol=1e-10, atol=1e-14)


def test_a_model_does_not_diverge_from_itself(batch: tuple[Tensor, Tensor]) -> None:
    assert (kl_divergences(batch[0], batch[0]) == 0).all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_low_precision_logits_give_fp32(batch: tuple[Tensor, Tensor], dtype: torch.dtype) -> None:
    policy, reference = batch[0].to(dtype), batch[1].to(dtype)
    result = kl_divergences(policy, reference)
    assert result.dtype == torch.float32
    expected = kl_divergences(policy.double(), reference.double()).float()
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)


class Positions:
    """Hidden states and heads of two models at 10 positions, in fp64."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.policy_hidden = torch.randn(10, 6, dtype=torch.float64, requires_grad=True)
        self.reference_hidden = torch.randn(10, 6, dtype=torch.float64)
        self.policy_head = torch.nn.Linear(6, 13, dtype=torch.float64)
        self.reference_head = torch.nn.Linear(6, 13, dtype=torch.float64)
        self.targets = torch.randint(0, 13, (10,))

    def gradients(self, terms: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Of the policy, for a sum in which every term has a weight of its own."""
        total = torch.stack([(weights(term) * term).sum() for term in terms]).sum()
        return torch.autograd.grad(total, [self.policy_hidden, *self.policy_head.parameters()])

    def terms(self, chunk_size: int) -> tuple[Tensor, ...]:
        return divergence_terms(
            self.policy_hidden,
            self.reference_hidden,
            self.policy_head,
            self.reference_head,
            self.targets,
            chunk_size,
        )

    def plain(self) -> tuple[Tensor, ...]:
        logits = [self.policy_head(self.policy_hidden), self.reference_head(self.reference_hidden)]
        logps = [token_logps(scores, self.targets) for scores in logits]
        return logps[0], logps[1].detach(), kl_divergences(logits[0], logits[1].detach())


def weights(like: Tensor) -> Tensor:
    return torch.linspace(0.5, 2.0, len(like), dtype=like.dtype)


@pytest.mark.parametrize('chunk_size', [1, 3, 10, 100])
def test_chunks_give_the_terms_and_gradients_of_whole_distributions(chunk_size: int) -> None:
    positions = Positions()
    terms, plain = positions.terms(chunk_size), positions.plain()
    torch.testing.assert_close(terms, plain, rtol=1e-12, atol=1e-13)
    assert not terms[1].requires_grad
    torch.testing.assert_close(
        positions.gradients((terms[0], terms[2])),
        positions.gradients((plain[0], plain[2])),
        rtol=1e-10,
        atol=1e-12,
    )


def test_no_tensor_of_all_positions_and_the_whole_vocabulary_is_kept() -> None:
    positions, kept = Positions(), []

    def record(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        positions.terms(chunk_size=3)
    logits = {shape for shape in kept if 13 in shape and 6 not in shape}
    assert logits == {(2, 13)}  # Of the last chunk only.
