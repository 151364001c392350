"""Losses against closed forms in plain Python floats (fp64)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from maskdpo_xtuner.objectives import LOSSES, build_loss
from maskdpo_xtuner.objectives.losses import dpop, sepo, tdpo1, tdpo2
from maskdpo_xtuner.objectives.losses import sigmoid as sigmoid_loss

CHOSEN = [0.7, -3.0, 12.5]
REJECTED = [-0.4, 2.0, -30.0]
BETA = 0.3


def logsigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def sigmoid(x: float) -> float:
    return math.exp(logsigmoid(x))


CLOSED_FORMS: dict[str, Callable[[float, float], float]] = {
    'sigmoid': lambda w, r: -logsigmoid(BETA * (w - r)),
    'robust': lambda w, r: -logsigmoid(BETA * (w - r)),
    'hinge': lambda w, r: max(0.0, 1 - BETA * (w - r)),
    'ipo': lambda w, r: (w - r - 1 / (2 * BETA)) ** 2,
    'sppo_hard': lambda w, r: (w - 0.5 / BETA) ** 2 + (r + 0.5 / BETA) ** 2,
    'nca_pair': lambda w, r: (
        -logsigmoid(BETA * w) - 0.5 * logsigmoid(-BETA * w) - 0.5 * logsigmoid(-BETA * r)
    ),
}


def tensors() -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.tensor(CHOSEN, dtype=torch.float64),
        torch.tensor(REJECTED, dtype=torch.float64),
    )


@pytest.mark.parametrize('name', CLOSED_FORMS)
def test_equals_the_closed_form(name: str) -> None:
    expected = [CLOSED_FORMS[name](w, r) for w, r in zip(CHOSEN, REJECTED, strict=True)]
    loss = build_loss(name, beta=BETA)(*tensors())
    torch.testing.assert_close(
        loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0
    )


def test_kto_pair_takes_each_side_against_the_other_sides_mean() -> None:
    chosen_kl = max(0.0, sum(CHOSEN) / 3)
    rejected_kl = max(0.0, sum(REJECTED) / 3)
    expected = [1 - sigmoid(BETA * (w - rejected_kl)) for w in CHOSEN]
    expected += [1 - sigmoid(BETA * (chosen_kl - r)) for r in REJECTED]
    loss = build_loss('kto_pair', beta=BETA)(*tensors())
    torch.testing.assert_close(
        loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-15
    )


def test_every_loss_has_a_closed_form_here() -> None:
    tested_below = {'kto_pair', 'dpop', 'tdpo1', 'tdpo2', 'sepo'}
    assert set(LOSSES) == {*CLOSED_FORMS, *tested_below}


@pytest.mark.parametrize('smoothing', [0.1, 0.3])
def test_label_smoothing_mixes_in_the_swapped_pair(smoothing: float) -> None:
    chosen, rejected = tensors()
    kept, swapped = (
        build_loss('sigmoid', beta=BETA)(chosen, rejected),
        build_loss('sigmoid', beta=BETA)(rejected, chosen),
    )
    smoothed = build_loss('sigmoid', beta=BETA, label_smoothing=smoothing)(chosen, rejected)
    torch.testing.assert_close(smoothed, (1 - smoothing) * kept + smoothing * swapped)
    robust = build_loss('robust', beta=BETA, label_smoothing=smoothing)(chosen, rejected)
    unbiased = ((1 - smoothing) * kept - smoothing * swapped) / (1 - 2 * smoothing)
    torch.testing.assert_close(robust, unbiased)


def test_policy_at_reference_gives_ln_2() -> None:
    zeros = torch.zeros(4, dtype=torch.float64)
    loss = build_loss('sigmoid', beta=0.1)(zeros, zeros)
    assert loss.tolist() == pytest.approx([math.log(2)] * 4, rel=1e-15)


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('sigmiod', {'beta': 0.1}, 'one of sigmoid, robust'),
        ('hinge', {'beta': 0.1, 'label_smoothing': 0.1}, "'hinge' has no label_smoothing"),
        ('robust', {'beta': 0.1, 'label_smoothing': 0.5}, 'label_smoothing must lie in'),
        ('sigmoid', {'beta': 0.0}, 'beta must be positive'),
        ('dpop', {'beta': 0.1, 'penalty': -1.0}, 'penalty must not be negative'),
        ('tdpo2', {'beta': 0.1, 'alpha': -0.5}, 'alpha must not be negative'),
        ('tdpo1', {'beta': 0.1, 'alpha': 0.5}, "'tdpo1' has no alpha; it has beta"),
    ],
)
def test_wrong_options_are_refused(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_loss(name, **options)


CHOSEN_KLS = [0.2, 4.0, 1.5]
REJECTED_KLS = [0.9, 0.1, 7.0]


def kls() -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.tensor(CHOSEN_KLS, dtype=torch.float64, requires_grad=True),
        torch.tensor(REJECTED_KLS, dtype=torch.float64, requires_grad=True),
    )


def assert_values(loss: torch.Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(
        loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize('penalty', [0.0, 0.1, 50.0])
def test_dpop_has_its_penalty_inside_the_sigmoid(penalty: float) -> None:
    expected = [
        -logsigmoid(BETA * (w - r - penalty * max(0.0, -w)))
        for w, r in zip(CHOSEN, REJECTED, strict=True)
    ]
    assert_values(dpop(*tensors(), beta=BETA, penalty=penalty), expected)


def test_dpop_is_dpo_unless_the_chosen_response_becomes_less_likely() -> None:
    chosen, rejected = tensors()
    losses, plain = dpop(chosen, rejected, beta=BETA), sigmoid_loss(chosen, rejected, beta=BETA)
    assert (losses == plain).tolist() == [w >= 0 for w in CHOSEN]


def test_tdpo1_equals_the_closed_form() -> None:
    columns = zip(CHOSEN, REJECTED, CHOSEN_KLS, REJECTED_KLS, strict=True)
    expected = [-logsigmoid(BETA * (w - r - (kr - kw))) for w, r, kw, kr in columns]
    assert_values(tdpo1(*tensors(), *kls(), beta=BETA), expected)


@pytest.mark.parametrize('alpha', [0.0, 0.5, 2.0])
def test_tdpo2_equals_the_closed_form(alpha: float) -> None:
    columns = zip(CHOSEN, REJECTED, CHOSEN_KLS, REJECTED_KLS, strict=True)
    expected = [-logsigmoid(BETA * (w - r - alpha * (kr - kw))) for w, r, kw, kr in columns]
    assert_values(tdpo2(*tensors(), *kls(), beta=BETA, alpha=alpha), expected)


def test_tdpo2_at_alpha_1_is_tdpo1_in_value_but_not_in_gradient() -> None:
    first, second = kls(), kls()
    losses = tdpo1(*tensors(), *first, beta=BETA)
    others = tdpo2(*tensors(), *second, beta=BETA, alpha=1.0)
    assert losses.tolist() == others.tolist()
    losses.sum().backward()
    others.sum().backward()
    assert first[0].grad is not None
    assert (first[0].grad != 0).all()
    assert second[0].grad is None
    assert torch.equal(first[1].grad, second[1].grad)


def test_tdpo_without_divergence_is_dpo() -> None:
    zeros = torch.zeros(3, dtype=torch.float64)
    plain = sigmoid_loss(*tensors(), beta=BETA)
    assert torch.equal(tdpo1(*tensors(), zeros, zeros, beta=BETA), plain)
    assert torch.equal(tdpo2(*tensors(), zeros, zeros, beta=BETA), plain)


def test_sepo_equals_the_closed_form() -> None:
    expected = [-logsigmoid(w - r) for w, r in zip(CHOSEN, REJECTED, strict=True)]
    assert_values(sepo(*tensors(), beta=1.0), expected)
