"""Distances between vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.embeddings.base import Metric


def distances_to(
    rows: NDArray[np.float64], point: NDArray[np.float64], metric: Metric
) -> NDArray[np.float64]:
    """Measure from each row to a point.

    Args:
        rows: (rows, width).
        point: (width,).
        metric: ``cosine`` is one less the cosine.

    Returns:
        (rows,).
    """
    if metric == 'euclidean':
        found: NDArray[np.float64] = np.linalg.norm(rows - point, axis=1)
        return found
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(point)
    cosine: NDArray[np.float64] = 1 - rows @ point / lengths
    return cosine
