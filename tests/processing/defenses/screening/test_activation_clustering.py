"""Activation clustering: planted poison, clean sets, and ART's decisions side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.suspects import CLASSES, TARGET, art_poison_detector, class_share, make_suspect, with_features

from boomerang.errors import BadInput
from boomerang.scoring import auroc
from processing.defenses.screening.activation_clustering import ActivationClustering


def settings_of(name: str) -> dict[str, Any]:
    return {"ours": {}, "paper": {"whiten": "none", "rule": "relative-size"}}[name]


@pytest.mark.parametrize("seed", range(3))
def test_poison_is_found_and_clean_rows_stay(seed: int) -> None:
    data, poisoned = make_suspect(seed=seed)
    finding = ActivationClustering().screen(data)
    assert np.isfinite(finding.scores).all()
    assert np.abs(finding.scores).max() < 2
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.005
    assert [n for n, v in finding.notes["classes"].items() if v["poisonous"]] == [CLASSES[TARGET]]
    assert finding.scores[poisoned].min() > np.quantile(finding.scores[~poisoned], 0.98)


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_set_is_left_alone(seed: int) -> None:
    data, _ = make_suspect(poison=0, seed=seed)
    assert not ActivationClustering().screen(data).flagged.any()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.49, 0.51, 0.7, 0.9])
def test_poison_of_any_share_of_a_class_is_found(share: float) -> None:
    data, poisoned = class_share(share)
    finding = ActivationClustering().screen(data)
    assert finding.flagged[poisoned].mean() > 0.99 and finding.flagged[~poisoned].mean() < 0.001
    found = finding.notes["classes"]["bird"]
    assert found["poisonous"] and found["suspected"] == ("larger" if share > 0.5 else "smaller")
    assert found["suspected_rows"] == finding.flagged.sum() and not finding.warnings
    assert (auroc(finding.scores, poisoned) or 0) > 0.999


@pytest.mark.parametrize("share", [0.97, 1.0])
def test_a_class_that_is_nearly_all_poison_is_refused_as_a_whole(share: float) -> None:
    data, poisoned = class_share(share)
    finding = ActivationClustering().screen(data)
    bird = data.y == TARGET
    assert finding.flagged[bird].all() and not finding.flagged[~bird].any()
    assert finding.notes["classes"]["bird"]["suspected"] == "whole class"
    (said,) = finding.warnings
    assert said.startswith("bird:") and said.endswith("the class as a whole is refused")
    assert finding.scores[poisoned].min() > finding.scores[~poisoned].max()


def test_the_published_rules_suspect_the_smaller_half_whatever_it_is() -> None:
    data, poisoned = class_share(0.7)
    for rule in ("relative-size", "smaller"):
        finding = ActivationClustering(rule=rule).screen(data)
        assert not finding.flagged[poisoned].any()
        assert {v["suspected"] for v in finding.notes["classes"].values()} == {"smaller"}


@pytest.mark.parametrize("kinds", [False, True])
def test_clean_classes_give_nothing_and_score_near_zero_over_many_seeds(kinds: bool) -> None:
    for seed in range(12):
        data, _ = make_suspect(poison=0, seed=seed, kinds_of_dogs=kinds)
        finding = ActivationClustering().screen(data)
        assert not finding.flagged.any() and not finding.warnings
        assert np.abs(finding.scores).max() < 0.6


def test_a_slight_shift_of_all_learned_rows_refuses_no_class() -> None:
    for seed in range(4):
        assert not ActivationClustering().screen(class_share(0, seed=seed, shift=1)[0]).flagged.any()


def test_a_feature_that_is_not_finite_is_refused() -> None:
    data, _ = make_suspect()
    broken = data.features.copy()
    broken[3, 0] = np.nan
    with pytest.raises(BadInput, match="features of the suspect rows: 1 of 1600"):
        ActivationClustering().screen(with_features(broken, data.y, data.trusted_features, data.trusted_y))


def test_two_kinds_of_dogs_are_no_poison_but_the_published_rules_cut_them() -> None:
    data, _ = make_suspect(poison=0, kinds_of_dogs=True)
    assert not ActivationClustering(whiten="none").screen(data).flagged.any()
    dogs = data.y == CLASSES.index("dog")
    for rule in ("relative-size", "smaller"):
        finding = ActivationClustering(whiten="none", rule=rule).screen(data)
        assert finding.flagged[dogs].mean() > 0.2


def test_a_slight_shift_between_suspect_and_trusted_rows_cuts_no_half_of_a_class() -> None:
    # What a victim has learned by heart lies elsewhere than what it has not seen.
    data, _ = make_suspect(poison=0, trusted=4000)
    shifted = data.trusted_features.copy()
    shifted[:, 0] -= 3
    data = with_features(data.features, data.y, shifted, data.trusted_y)
    finding = ActivationClustering(whiten="none").screen(data)
    assert min(v["p_value"] for v in finding.notes["classes"].values()) < 0.001
    assert not finding.flagged.any()


def test_without_trusted_rows_nothing_can_be_said() -> None:
    data, _ = make_suspect()
    empty = with_features(data.features, data.y, data.trusted_features[:0], data.trusted_y[:0])
    assert not ActivationClustering().screen(empty).flagged.any()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_tiny_class_is_no_accident(rows: int) -> None:
    data, _ = make_suspect(poison=0)
    some = np.concatenate([np.flatnonzero(data.y != 2), np.flatnonzero(data.y == 2)[:rows]])
    small = with_features(data.features[some], data.y[some], data.trusted_features, data.trusted_y)
    finding = ActivationClustering().screen(small)
    assert np.isfinite(finding.scores).all()
    assert not finding.flagged.any()


def test_the_same_seed_gives_the_same_finding() -> None:
    data, _ = make_suspect()
    first, second = (ActivationClustering().screen(replace(data)) for _ in range(2))
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.flagged, second.flagged)
    assert first.notes == second.notes


@pytest.mark.filterwarnings("ignore:The truth value of an empty array:DeprecationWarning")  # ART's
def test_relative_size_decides_as_art_does() -> None:
    """ART's own functions on the same features: the same clusters and the same verdict on each."""
    data, _ = make_suspect(kinds_of_dogs=True)
    by_class = [data.features[data.y == k].astype(float) for k in range(len(CLASSES))]
    np.random.seed(0)  # noqa: NPY002  ART's KMeans takes no seed
    clusters, _ = art_poison_detector("activation_defence").cluster_activations(by_class, reduce="PCA")
    clean, _, _ = (
        art_poison_detector("clustering_analyzer").ClusteringAnalyzer().analyze_by_relative_size(clusters)
    )
    finding = ActivationClustering(whiten="none", rule="relative-size").screen(data)
    assert finding.notes["classes"]["dog"]["poisonous"]
    # A cloud has no one best cut: only the classes that fall into two are compared row by row.
    dogs = CLASSES.index("dog")
    assert np.array_equal(finding.flagged[data.y == dogs], np.asarray(clean[dogs]) == 0)
    art_flags = [bool((np.asarray(c) == 0).any()) for c in clean]
    assert [v["poisonous"] for v in finding.notes["classes"].values()] == art_flags


@pytest.mark.parametrize("trusted", [50, 100])
def test_a_cluster_under_the_share_that_needs_says_is_not_flagged_and_one_well_above_is(trusted: int) -> None:
    """GIVEN no trusted row in the poison THEN its share of the class decides, as was said before the run."""
    (said,) = ActivationClustering().needs(4 * trusted, 4)
    least = float(said.split()[-3].rstrip("%")) / 100
    assert f"{trusted} trusted rows of a class" in said and 0.05 < least < 0.2
    for share, found in ((0.9 * least, 0), (1.7 * least, 0.95)):
        data, poisoned = class_share(share, rows=1000, trusted=trusted)
        assert ActivationClustering().screen(data).flagged[poisoned].mean() >= found
        assert found or not ActivationClustering().screen(data).flagged.any()
    assert not ActivationClustering(rule="smaller").needs(4 * trusted, 4)
    assert not ActivationClustering().needs(4 * trusted, None)
