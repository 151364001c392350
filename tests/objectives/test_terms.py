"""From the values of supervised tokens to those of pairs, and what a loss is not given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from maskdpo_xtuner.objectives import LossTerms, TokenTerms, loss_terms

POLICY = [-1.0, -4.0, -1.0, -1.0, -1.0]
REFERENCE = [-2.0, -3.5, -2.0, -3.0, -4.0]
KLS = [0.5, 0.25, 1.0, 2.0, 3.0]
COUNTS = torch.tensor([2, 3])


def terms(weights: list[float], *, per_token: bool) -> LossTerms:
    """One pair, of 2 and 3 supervised tokens."""
    values = (torch.tensor(row) for row in (POLICY, weights, REFERENCE, KLS))
    return loss_terms(TokenTerms(*values), COUNTS, per_token=per_token, sides=2)


def both_sides(found: LossTerms, name: str) -> list[float]:
    sides: list[Tensor] = [getattr(side, name) for side in (found.chosen, found.rejected)]
    return torch.cat(sides).tolist()


@pytest.mark.parametrize(
    ('per_token', 'expected'),
    [
        (False, {'logratios': [0.5, 6.0], 'logps': [-5.0, -3.0], 'divergences': [0.75, 6.0]}),
        (True, {'logratios': [0.25, 2.0], 'logps': [-2.5, -1.0], 'divergences': [0.375, 2.0]}),
    ],
)
def test_a_response_has_the_sums_or_the_means_over_its_tokens(
    per_token: bool, expected: dict[str, list[float]]
) -> None:
    found = terms([1.0] * 5, per_token=per_token)
    assert {name: both_sides(found, name) for name in expected} == expected
    assert both_sides(found, 'counts') == [2, 3]


def test_weights_are_factors_of_sums_and_means() -> None:
    weights = [0.5, 2.0, 3.0, 1.0, 1.0]
    sums, means = (terms(weights, per_token=per_token) for per_token in (False, True))
    assert both_sides(sums, 'logratios') == [-0.5, 8.0]
    assert both_sides(means, 'logratios') == pytest.approx([-0.5 / 2.5, 8.0 / 5])


def test_what_the_traits_of_a_loss_leave_out_is_refused_with_the_trait() -> None:
    tokens = TokenTerms(torch.tensor(POLICY), torch.ones(5))
    found = loss_terms(tokens, COUNTS, per_token=False, sides=1)
    assert found.chosen.logps.tolist() == [-5.0, -3.0]
    with pytest.raises(ValueError, match="register it with reference='logps'"):
        _ = found.chosen.logratios
    with pytest.raises(ValueError, match="reference='distributions'"):
        _ = found.chosen.divergences
    with pytest.raises(ValueError, match='needs_rejected=False'):
        _ = found.rejected
