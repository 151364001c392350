"""The likelihood term against closed forms in plain Python floats (fp64)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from maskdpo_xtuner.objectives import (
    LOSSES,
    LossTerms,
    TokenTerms,
    build_loss,
    build_objective,
    loss_terms,
)
from tests.objectives.pair_terms import fp64, pair_terms, side_terms

LOGPS = [[-0.5, -1.5, -4.0], [-2.0], [-0.1, -0.3]]
WEIGHTS = [[1.0, 1.0, 1.0], [0.5], [0.25, 0.75]]


def flat(rows: list[list[float]]) -> Tensor:
    return fp64([value for row in rows for value in row])


def test_nll_is_the_mean_over_the_supervised_tokens_by_their_weights() -> None:
    tokens, counts = TokenTerms(flat(LOGPS), flat(WEIGHTS)), torch.tensor([3, 1, 2])
    for per_token in (False, True):
        terms = loss_terms(tokens, counts, per_token=per_token, sides=1)
        expected = [6.0 / 3, 2.0, 0.25 * 0.1 + 0.75 * 0.3]
        torch.testing.assert_close(terms.chosen.nlls, fp64(expected), rtol=1e-12, atol=0)


def pairs() -> LossTerms:
    kls = [0.2, 4.0], [0.9, 0.1]
    return pair_terms([0.7, -3.0], [-0.4, 2.0], *kls, chosen_nlls=[2.0, 5.0])


@pytest.mark.parametrize('loss_type', [name for name in LOSSES if name != 'sft'])
def test_beside_every_loss_the_mean_is_preference_plus_weighted_nll(loss_type: str) -> None:
    plain = build_loss(loss_type, beta=0.3)(pairs())
    objective = build_objective(loss_type, beta=0.3, nll=0.2)
    loss, preference = objective(pairs())
    assert preference is not None
    assert torch.equal(preference, plain)
    expected = float(plain.mean()) + 0.2 * (2.0 + 5.0) / 2
    assert float(loss.mean()) == pytest.approx(expected, rel=1e-12)
    # Of each pair, too: a batch may be divided.
    by_pair = (loss - plain).reshape(-1, 2).mean(dim=0)
    assert by_pair.tolist() == pytest.approx([0.2 * 2.0, 0.2 * 5.0])


def test_it_goes_together_with_label_smoothing() -> None:
    objective = build_objective('sigmoid', beta=0.3, label_smoothing=0.1, nll=1.0)
    loss, _ = objective(pair_terms([1.0], [-1.0], chosen_nlls=[2.0]))
    margin = 0.3 * 2.0
    kept, swapped = math.log1p(math.exp(-margin)), math.log1p(math.exp(margin))
    assert loss.tolist() == pytest.approx([0.9 * kept + 0.1 * swapped + 2.0], rel=1e-12)


@pytest.mark.parametrize('nll', [None, 0.0])
def test_without_it_the_loss_is_the_papers(nll: float | None) -> None:
    loss, preference = build_objective('sigmoid', beta=0.3, nll=nll)(pairs())
    assert preference is None
    assert torch.equal(loss, build_loss('sigmoid', beta=0.3)(pairs()))


@pytest.mark.parametrize(('options', 'weight'), [({}, 1.0), ({'nll': 0.5, 'beta': 7.0}, 0.5)])
def test_sft_is_the_term_alone(options: dict[str, float], weight: float) -> None:
    loss, preference = build_objective('sft', **options)(
        LossTerms(side_terms([0.0, 0.0], nlls=[2.0, 5.0]))
    )
    assert preference is None
    assert loss.tolist() == [2.0 * weight, 5.0 * weight]


@pytest.mark.parametrize(
    ('name', 'options', 'message'),
    [
        ('sigmoid', {'nll': -0.1}, 'nll must be 0 or more, not -0.1'),
        ('sigmoid', {'nll': math.nan}, 'nll must be 0 or more, not nan'),
        ('sft', {'nll': 0.0}, 'nll must be positive'),
        ('sft', {'label_smoothing': 0.1}, "'sft' has no label_smoothing; it has nll"),
        ('sfd', {}, 'registered are sigmoid, .*, sft'),
    ],
)
def test_wrong_options_are_refused(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_objective(name, **options)
