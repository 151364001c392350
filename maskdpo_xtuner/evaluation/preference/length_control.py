"""The win rate that two models would have if their responses were equally long.

After AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475): a logistic regression of the preference
on the difference of the lengths, and its prediction at no difference. Ours has no term for how hard
a question is, and lets the outcomes 0, 1/2 and 1 stand for probabilities:

    P(win) = sigmoid(a + b tanh((length - baseline's length) / s)),   s the standard deviation

of the differences. The answer is sigmoid(a). b has a normal prior of standard deviation 10, so that
a sample in which the longer response always wins still has an answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = 50
_PRECISION = 0.01  # of the prior of b
_LARGEST = 15.0  # of a and b: sigmoid is 0 or 1 to seven digits
Array = NDArray[np.float64]


def length_controlled(worth: Array, differences: Array, weights: Array) -> Array:
    """Give the win rate at equal lengths for each row of weights.

    Args:
        worth: (pairs,) 1 for a win, 0 for a loss, 0.5 for what is neither.
        differences: (pairs,) of the lengths, the baseline's taken off.
        weights: (rows, pairs) how often each pair counts.

    Returns:
        (rows,), NaN for a row of zeros.
    """
    spread = differences.std()
    x = np.tanh(differences / spread) if spread else np.zeros_like(differences)
    a, b = np.zeros((2, len(weights), 1))
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(a + b * x)))
        step_a, step_b = _newton(weights * (worth - p), weights * p * (1 - p), x, b)
        a = np.clip(a + np.clip(step_a, -1, 1), -_LARGEST, _LARGEST)
        b = np.clip(b + np.clip(step_b, -1, 1), -_LARGEST, _LARGEST)
        if max(np.abs(step_a).max(initial=0), np.abs(step_b).max(initial=0)) < 1e-9:
            break
    rate: Array = 1 / (1 + np.exp(-a[:, 0]))
    return np.where(weights.sum(axis=1) > 0, rate, np.nan)


def _newton(residuals: Array, curvature: Array, x: Array, b: Array) -> tuple[Array, Array]:
    """Take one Newton step of both coefficients, (rows, 1) each; the prior of b adds to its own."""
    gradient_a = residuals.sum(axis=1, keepdims=True)
    gradient_b = (residuals * x).sum(axis=1, keepdims=True) - _PRECISION * b
    aa = curvature.sum(axis=1, keepdims=True) + 1e-9
    ab = (curvature * x).sum(axis=1, keepdims=True)
    bb = (curvature * x * x).sum(axis=1, keepdims=True) + _PRECISION
    determinant = aa * bb - ab * ab
    return (
        (bb * gradient_a - ab * gradient_b) / determinant,
        (aa * gradient_b - ab * gradient_a) / determinant,
    )
