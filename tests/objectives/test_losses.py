"""Losses against closed forms in plain Python floats (fp64)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from maskdpo_xtuner.objectives import LOSSES, build_loss
from maskdpo_xtuner.objectives.losses import dpop, sepo, tdpo1, tdpo2
from maskdpo_xtuner.objectives.losses import sigmoid as sigmoid_loss
from tests.objectives.pair_terms import pair_terms

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


PAIRS = pair_terms(CHOSEN, REJECTED)


@pytest.mark.parametrize('name', CLOSED_FORMS)
def test_equals_the_closed_form(name: str) -> None:
    expected = [CLOSED_FORMS[name](w, r) for w, r in zip(CHOSEN, REJECTED, strict=True)]
    loss = build_loss(name, beta=BETA)(PAIRS)
    torch.testing.assert_close(
        loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0
    )


def test_kto_pair_takes_each_side_against_the_other_sides_mean() -> None:
    chosen_kl = max(0.0, sum(CHOSEN) / 3)
    rejected_kl = max(0.0, sum(REJECTED) / 3)
    expected = [1 - sigmoid(BETA * (w - rejected_kl)) for w in CHOSEN]
    expected += [1 - sigmoid(BETA * (chosen_kl - r)) for r in REJECTED]
    loss = build_loss('kto_pair', beta=BETA)(PAIRS)
    torch.testing.assert_close(
        loss, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-15
    )


def test_every_loss_has_a_closed_form_here() -> None:
    tested_below = {'kto_pair', 'dpop', 'tdpo1', 'tdpo2', 'sepo'}
    assert set(LOSSES) == {*CLOSED_FORMS, *tested_below, 'sft'}  # See test_likelihood.


@pytest.mark.parametrize('smoothing', [0.1, 0.3])
def test_label_smoothing_mixes_in_the_swapped_pair(smoothing: float) -> None:
    kept, swapped = (
        build_loss('sigmoid', beta=BETA)(pair_terms(*sides))
        for sides in ((CHOSEN, REJECTED), (REJECTED, CHOSEN))
    )
    smoothed = build_loss('sigmoid', beta=BETA, label_smoothing=smoothing)(PAIRS)
    torch.testing.assert_close(smoothed, (1 - smoothing) * kept + smoothing * swapped)
    robust = build_loss('robust', beta=BETA, label_smoothing=smoothing)(PAIRS)
    unbiased = ((1 - smoothing) * kept - smoothing * swapped) / (1 - 2 * smoothing)
    torch.testing.assert_close(robust, unbiased)


def test_policy_at_reference_gives_ln_2() -> None:
    loss = build_loss('sigmoid', beta=0.1)(pair_terms([0.0] * 4, [0.0] * 4))
    assert loss.tolist() == pytest.approx([math.log(2)] * 4, rel=1e-15)


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('sigmiod', {'beta': 0.1}, 'did you mean "sigmoid".*are sigmoid, robust.* sft'),
        ('hinge', {'beta': 0.1, 'bta': 1.0}, r"has no bta \(did you mean 'beta'\?\); it has beta"),
        ('hinge', {}, 'needs beta'),
        ('hinge', {'beta': 0.1, 'label_smoothing': 0.1}, "'hinge' has no label_smoothing"),
        ('robust', {'beta': 0.1, 'label_smoothing': 0.5}, 'label_smoothing must lie in'),
        ('sigmoid', {'beta': 0.0}, 'beta must be positive, not 0.0'),
        ('sigmoid', {'beta': '0.1'}, "beta must be positive, not '0.1'"),
        ('dpop', {'beta': 0.1, 'penalty': -1.0}, 'penalty must be 0 or more, not -1.0'),
        ('tdpo2', {'beta': 0.1, 'alpha': -0.5}, 'alpha must be 0 or more'),
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
    assert_values(dpop(PAIRS, beta=BETA, penalty=penalty), expected)


def test_dpop_is_dpo_unless_the_chosen_response_becomes_less_likely() -> None:
    losses, plain = dpop(PAIRS, beta=BETA), sigmoid_loss(PAIRS, beta=BETA)
    assert (losses == plain).tolist() == [w >= 0 for w in CHOSEN]


def test_tdpo1_equals_the_closed_form() -> None:
    columns = zip(CHOSEN, REJECTED, CHOSEN_KLS, REJECTED_KLS, strict=True)
    expected = [-logsigmoid(BETA * (w - r - (kr - kw))) for w, r, kw, kr in columns]
    assert_values(tdpo1(pair_terms(CHOSEN, REJECTED, *kls()), beta=BETA), expected)


@pytest.mark.parametrize('alpha', [0.0, 0.5, 2.0])
def test_tdpo2_equals_the_closed_form(alpha: float) -> None:
    columns = zip(CHOSEN, REJECTED, CHOSEN_KLS, REJECTED_KLS, strict=True)
    expected = [-logsigmoid(BETA * (w - r - alpha * (kr - kw))) for w, r, kw, kr in columns]
    assert_values(tdpo2(pair_terms(CHOSEN, REJECTED, *kls()), beta=BETA, alpha=alpha), expected)


def test_tdpo2_at_alpha_1_is_tdpo1_in_value_but_not_in_gradient() -> None:
    first, second = kls(), kls()
    losses = tdpo1(pair_terms(CHOSEN, REJECTED, *first), beta=BETA)
    others = tdpo2(pair_terms(CHOSEN, REJECTED, *second), beta=BETA, alpha=1.0)
    assert losses.tolist() == others.tolist()
    losses.sum().backward()
    others.sum().backward()
    assert first[0].grad is not None
    assert (first[0].grad != 0).all()
    assert second[0].grad is None
    torch.testing.assert_close(first[1].grad, second[1].grad, rtol=0, atol=0)


def test_tdpo_without_divergence_is_dpo() -> None:
    plain = sigmoid_loss(PAIRS, beta=BETA)
    assert torch.equal(tdpo1(PAIRS, beta=BETA), plain)
    assert torch.equal(tdpo2(PAIRS, beta=BETA), plain)


def test_sepo_equals_the_closed_form() -> None:
    expected = [-logsigmoid(w - r) for w, r in zip(CHOSEN, REJECTED, strict=True)]
    assert_values(sepo(PAIRS, beta=1.0), expected)
