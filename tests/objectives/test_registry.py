"""Losses that a user adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from maskdpo_xtuner.objectives import (
    LOSSES,
    NOT_NEGATIVE,
    LossTerms,
    build_objective,
    find_loss,
    register_loss,
)
from tests.objectives.pair_terms import pair_terms


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(LOSSES, '_items', dict(LOSSES._items))


def gap(terms: LossTerms, *, beta: float, gamma: float) -> Tensor:
    return beta * (terms.rejected.logps - terms.chosen.logps) + gamma


def test_a_registered_loss_has_its_traits_and_options() -> None:
    register_loss('gap', reference='none', per_token=True, bounds={'gamma': NOT_NEGATIVE})(gap)
    loss = find_loss('gap')
    assert (loss.reference, loss.per_token, loss.sides, loss.compares_pairs) == (
        'none',
        True,
        2,
        False,
    )
    assert set(loss.options) == {'beta', 'gamma'}
    objective = build_objective('gap', beta=0.5, gamma=1.0, nll=2.0)
    values, preference = objective(pair_terms([-1.0], [-3.0], chosen_nlls=[4.0]))
    assert preference is not None
    assert (preference.tolist(), values.tolist()) == ([0.0], [8.0])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'gamma': -1.0}, 'gamma must be 0 or more, not -1.0'),
        ({'gama': 1.0}, r"'gap' has no gama \(did you mean 'gamma'\?\); it has beta, gamma, nll"),
        ({}, "'gap' needs gamma"),
    ],
)
def test_its_options_are_checked_as_those_of_ours(options: dict[str, Any], message: str) -> None:
    register_loss('gap', bounds={'gamma': NOT_NEGATIVE})(gap)
    with pytest.raises(ValueError, match=message):
        build_objective('gap', **options)


def test_a_loss_without_beta_is_given_none() -> None:
    @register_loss('plain_gap', reference='none')
    def plain_gap(terms: LossTerms) -> Tensor:
        return terms.rejected.logps - terms.chosen.logps

    objective = build_objective('plain_gap', beta=0.1)
    assert objective(pair_terms([-1.0], [-3.0]))[0].tolist() == [-2.0]
    assert objective.beta == 1.0


def test_the_name_of_another_loss_is_refused_and_the_own_may_come_again() -> None:
    for _ in range(2):  # As a module that is loaded again does.
        register_loss('gap')(gap)
    with pytest.raises(ValueError, match=r'"sigmoid" is registered by maskdpo_xtuner\..*\.sigmoid'):
        register_loss('sigmoid')(gap)


def _positional(terms: LossTerms, beta: float) -> Tensor:
    return beta * terms.chosen.logps


@pytest.mark.parametrize(
    ('name', 'traits', 'function', 'message'),
    [
        ('my.gap', {}, gap, 'a name without dots'),
        ('gap', {'reference': 'cached'}, gap, 'none, logps, distributions'),
        ('gap', {}, _positional, 'options by keyword only'),
    ],
)
def test_what_cannot_be_called_is_refused_when_it_is_registered(
    name: str, traits: dict[str, Any], function: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        register_loss(name, **traits)(function)


def test_a_dotted_path_imports_the_module_of_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'losses_of_mine.py').write_text(
        'from maskdpo_xtuner.objectives import register_loss\n\n\n'
        "@register_loss('mine')\n"
        'def mine(terms, *, beta):\n'
        '    return -beta * terms.logratio_margins\n\n\n'
        'def other(terms, *, beta):\n'
        '    return beta\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert find_loss('losses_of_mine.mine') is find_loss('mine')
    with pytest.raises(ValueError, match=r"other' is not a loss: decorate it with @register_loss"):
        find_loss('losses_of_mine.other')
    with pytest.raises(ValueError, match='loss_type: losses_of_mine holds nothing named none'):
        find_loss('losses_of_mine.none')
    with pytest.raises(ValueError, match='loss_type: the module losses_of_yours cannot be import'):
        find_loss('losses_of_yours.mine')


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    register_loss('gap')(gap)
    with pytest.raises(ValueError, match='loss "gab"; did you mean "gap".*sigmoid, .*, gap'):
        find_loss('gab')
