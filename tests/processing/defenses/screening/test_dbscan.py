"""DBSCAN: clusters that hold trusted rows, an `eps` that these tell, and memory that stays flat."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import Plant, collided, flipped, lone
from helpers.suspects import CLASSES, TARGET, make_suspect, with_features

from processing.defenses.screening import dbscan
from processing.defenses.screening.dbscan import Dbscan, knee


@pytest.mark.parametrize("plant", [make_suspect, flipped, lone, collided])
@pytest.mark.parametrize("seed", range(2))
def test_what_no_cluster_of_trusted_rows_holds_is_found_and_clean_rows_stay(plant: Plant, seed: int) -> None:
    data, poisoned = plant(seed=seed)
    finding = Dbscan().screen(data)
    assert finding.threshold is not None
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.85
    assert finding.flagged[~poisoned].mean() < 0.015


def test_poison_that_is_most_of_a_class_is_found() -> None:
    data, poisoned = make_suspect(poison=700)
    finding = Dbscan().screen(data)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.02
    held = finding.notes["classes"][CLASSES[TARGET]]
    assert held["held"] < held["clusters"]


def test_the_published_rule_takes_noise_and_the_clusters_without_trusted_rows() -> None:
    """The clusters are scikit-learn's own, held side by side in a class of two features."""
    from sklearn.cluster import DBSCAN

    rng = np.random.default_rng(0)
    features = rng.standard_normal((300, 2))
    features[:60] += 15
    features[60:63] = [[-20, 0], [0, -20], [20, -20]]
    trusted = rng.standard_normal((200, 2))
    data = with_features(features, np.zeros(300, int), trusted, np.zeros(200, int), classes=("a",))
    finding = Dbscan(rule="paper", whiten="none", dimensions=2).screen(data)
    eps = finding.notes["classes"]["a"]["eps"]
    labels = DBSCAN(eps=eps, min_samples=10).fit(features).labels_
    mine = np.bincount(labels[63:][labels[63:] >= 0]).argmax()
    assert finding.threshold == 1
    assert finding.flagged[:63].all()
    assert np.mean(finding.flagged == (labels != mine)) > 0.98  # eps is noted to four places


def test_the_knee_is_where_the_sorted_distances_begin_to_rise() -> None:
    assert knee(np.array([1.0, 1.1, 9.0, 1.2, 5.0, 1.3])) == 1.3
    assert knee(np.full(7, 2.5)) == 2.5
    assert knee(np.array([4.0])) == 4
    assert knee(np.array([4.0, 6.0])) == 6
    assert knee(np.array([1.0, 5.0, 6.0])) == 6  # none lies below the line


def test_a_large_class_is_fitted_on_some_of_its_rows_and_all_are_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sklearn.cluster import DBSCAN

    sizes = []

    class Watched(DBSCAN):  # type: ignore[misc]  # scikit-learn ships no types
        def fit(self, points, y=None, sample_weight=None):  # type: ignore[no-untyped-def]
            sizes.append(len(points))
            return super().fit(points)

    monkeypatch.setattr(dbscan, "_FIT_ROWS", 120)
    monkeypatch.setattr("sklearn.cluster.DBSCAN", Watched)
    data, poisoned = flipped()
    finding = Dbscan().screen(data)
    assert max(sizes) == 120
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.02


def test_a_class_of_too_few_rows_is_not_judged_and_the_warning_says_so() -> None:
    data, _ = make_suspect(poison=0)
    rows = np.flatnonzero((data.y != 2) | (np.cumsum(data.y == 2) <= 15))
    small = with_features(data.features[rows], data.y[rows], data.trusted_features, data.trusted_y)
    finding = Dbscan().screen(small)
    assert not finding.flagged[small.y == 2].any()
    assert finding.warnings == (
        "cat: too few rows of the class are left to make a cluster, so it flags nothing of it",
    )
