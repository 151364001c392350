"""The win rate at equal lengths, against cases with a known answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from maskdpo_xtuner.evaluation.preference.length_control import length_controlled

ONCE = np.ones((1, 200))


def test_without_differences_it_is_the_win_rate() -> None:
    worth = np.array([1.0] * 120 + [0.5] * 40 + [0.0] * 40)
    assert length_controlled(worth, np.zeros(200), ONCE)[0] == pytest.approx(0.7)


def test_a_judge_that_mostly_takes_the_longer_one_gives_a_half_whoever_writes_more() -> None:
    differences = np.array([100.0] * 150 + [-100.0] * 50)
    worth = np.array([1.0] * 135 + [0.0] * 15 + [1.0] * 5 + [0.0] * 45)
    assert worth.mean() == 0.7
    assert length_controlled(worth, differences, ONCE)[0] == pytest.approx(0.5, abs=1e-3)


def test_a_judge_that_always_takes_the_longer_one_still_has_an_answer() -> None:
    differences = np.array([100.0] * 150 + [-100.0] * 50)
    found = length_controlled((differences > 0).astype(float), differences, ONCE)[0]
    assert 0.5 < found < 0.75


def test_a_preference_that_length_does_not_explain_stays() -> None:
    differences = np.array([100.0, -100.0] * 100)
    worth = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0] * 25)
    assert length_controlled(worth, differences, ONCE)[0] == pytest.approx(0.75)


def test_it_is_the_maximum_of_the_likelihood_with_its_prior() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(30, 50, 200)
    worth = rng.choice([0, 0.5, 1], 200)
    x = np.tanh(differences / differences.std())

    def loss(coefficients: np.ndarray) -> float:
        z = coefficients[0] + coefficients[1] * x
        nll = np.logaddexp(0, z) - worth * z
        return float(nll.sum() + coefficients[1] ** 2 / 200)

    best = minimize(loss, [0.0, 0.0], tol=1e-12).x
    found = length_controlled(worth, differences, ONCE)[0]
    assert found == pytest.approx(1 / (1 + math.exp(-best[0])), abs=1e-5)


def test_rows_of_weights_are_samples_of_their_own() -> None:
    differences, worth = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 0.5, 0.5, 0.0])
    weights = np.array([[2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    found = length_controlled(worth, differences, weights)
    twice = length_controlled(np.tile(worth[:2], 2), np.tile(differences[:2], 2), np.ones((1, 4)))
    assert found[0] == pytest.approx(twice[0])
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(length_controlled(worth, differences, np.ones((1, 4)))[0])
    assert found[0] > 0.7 > found[2]


def test_a_model_that_always_wins_has_a_whole_rate() -> None:
    found = length_controlled(np.ones(200), np.arange(200.0), ONCE)[0]
    assert found == pytest.approx(1, abs=1e-3)
