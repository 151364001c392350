"""Clusters around centroids, each cut into a near and a far half (paper, appendix A)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.embeddings.base import Metric
from maskdpo_xtuner.embeddings.distances import distances_to
from maskdpo_xtuner.subsets.split import Distance

Vectors = Mapping[str, NDArray[np.float64]]
"""name -> (width,)."""


def halve(points: Vectors, centroids: Vectors, metric: Metric) -> list[Distance]:
    """Give each point to its nearest centroid, and halve each cluster by the distance.

    The paper does not say where the middle one of an odd cluster belongs: here to ``near`` in the
    first cluster of odd size, to ``far`` in the second, and so on, so that the halves differ by one
    point at most. Equal distances are ordered by name, and equally near centroids, too.

    Returns:
        Cluster by cluster in the order of their centroids' names, the nearest first.
    """
    clusters = _clusters(points, centroids, metric)
    found: list[Distance] = []
    odd = 0
    for nearest in sorted(clusters):
        cluster = sorted(clusters[nearest])
        middle = len(cluster) // 2
        if len(cluster) % 2:
            middle += odd % 2 == 0
            odd += 1
        for place, (distance, name) in enumerate(cluster):
            part = 'near' if place < middle else 'far'
            found.append(Distance(name=name, nearest=nearest, distance=distance, part=part))
    return found


def _clusters(
    points: Vectors, centroids: Vectors, metric: Metric
) -> dict[str, list[tuple[float, str]]]:
    """Give the distance and name of the points of each centroid that has some."""
    names, centers = sorted(points), sorted(centroids)
    rows = np.stack([points[name] for name in names])
    columns = [distances_to(rows, centroids[center], metric) for center in centers]
    table = np.stack(columns, axis=1)  # (points, centroids)
    clusters: dict[str, list[tuple[float, str]]] = {}
    for name, distances in zip(names, table, strict=True):
        place = int(distances.argmin())
        clusters.setdefault(centers[place], []).append((float(distances[place]), name))
    return clusters
