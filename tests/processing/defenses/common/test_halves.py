"""Two clusters: those of scikit-learn, from the same starts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from processing.defenses.common.halves import halves, silhouette


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("apart", [0.0, 2.0, 9.0])
def test_the_clusters_are_scikit_learns(seed: int, apart: float) -> None:
    points = np.random.default_rng(seed).standard_normal((700, 10)) + 30
    points[:90, 0] += apart
    theirs = KMeans(2, n_init=10, random_state=seed).fit(points)
    ours = halves(points, seed)
    order = [0, 1] if np.allclose(ours.centers, theirs.cluster_centers_) else [1, 0]
    assert np.allclose(ours.centers[order], theirs.cluster_centers_)
    assert np.allclose(ours.distances(points)[:, order], theirs.transform(points))
    small = theirs.labels_ == theirs.labels_[0]
    assert silhouette(points, small, 0) == pytest.approx(silhouette_score(points, small))


def test_a_cluster_of_one_row_has_no_silhouette_and_few_points_are_no_accident() -> None:
    points = np.arange(6.0).reshape(3, 2)
    assert silhouette(points, np.array([True, False, False]), 0) == 0
    assert np.isfinite(halves(points[:2], 0).centers).all()
