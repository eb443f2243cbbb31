"""k-means: clusters that trusted rows populate, and those that they do not."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import Plant, collided, flipped, lone
from helpers.suspects import CLASSES, make_suspect, with_features

from processing.defenses.common.base import Suspect
from processing.defenses.screening.kmeans import KMeans


@pytest.mark.parametrize("plant", [flipped, lone, collided])
@pytest.mark.parametrize("over", ["all", "class"])
@pytest.mark.parametrize("seed", range(2))
def test_what_lies_off_is_found_and_clean_rows_stay(plant: Plant, over: str, seed: int) -> None:
    data, poisoned = plant(seed)
    finding = KMeans.model_validate({"over": over}).screen(data)
    assert finding.threshold is not None
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.015


def clustered(share: float) -> tuple[Suspect, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Three classes, one of which has so large a share of poison, in a dense cluster of its own."""
    rng = np.random.default_rng(5)
    centers = 6 * rng.standard_normal((3, 8))
    y, trusted_y = np.arange(1500) % 3, np.arange(400) % 3
    features = centers[y] + rng.standard_normal((1500, 8))
    poisoned = (y == 1) & (np.arange(1500) < share * 1500)
    features[poisoned] = centers[1] + np.array([8, *[0] * 7]) + 0.2 * rng.standard_normal((poisoned.sum(), 8))
    trusted = centers[trusted_y] + rng.standard_normal((400, 8))
    return with_features(features, y, trusted, trusted_y, classes=("a", "b", "c")), poisoned


@pytest.mark.parametrize("over", ["all", "class"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cluster_is_poison_however_large_it_is(over: str, share: float) -> None:
    data, poisoned = clustered(share)
    finding = KMeans.model_validate({"over": over}).screen(data)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.02
    counts = finding.notes["classes"]["b"]
    assert counts["populated"] < counts["clusters"]


def test_the_published_rule_takes_its_share_of_every_class_and_not_what_has_a_center_of_its_own() -> None:
    data, poisoned = clustered(0.5)
    finding = KMeans(rule="paper", whiten="none", over="class", share=0.1).screen(data)
    assert finding.threshold is None
    for label in range(3):
        rows = data.y == label
        assert finding.flagged[rows].sum() == round(0.1 * rows.sum())
        assert finding.scores[rows & finding.flagged].min() >= finding.scores[rows & ~finding.flagged].max()
    assert not finding.flagged[poisoned].any()


def test_there_may_be_fewer_rows_than_clusters() -> None:
    data, _ = make_suspect(rows=8, poison=0)
    for over in ("all", "class"):
        finding = KMeans.model_validate({"over": over, "clusters_per_class": 9}).screen(data)
        assert np.isfinite(finding.scores).all()


def test_the_flagged_rows_are_counted_by_class() -> None:
    data, _ = flipped()
    finding = KMeans().screen(data)
    assert sum(finding.notes["flagged_by_class"].values()) == finding.flagged.sum()
    assert list(finding.notes["flagged_by_class"]) == list(CLASSES)
