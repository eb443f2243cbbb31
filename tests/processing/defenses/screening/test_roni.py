"""RONI: a supplier of wrong labels is found, a backdoor is not, and the sign is the other way than ART's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from helpers.art_models import art
from helpers.planted import flipped, supplied
from helpers.suspects import CLASSES, art_poison_detector, make_suspect, with_features

from processing.defenses.common.classifier import fitted, harm
from processing.defenses.screening.roni import Roni, Round


@pytest.mark.parametrize(("rule", "measure"), [("trusted", "loss"), ("paper", "accuracy")])
def test_a_supplier_of_whom_two_labels_of_five_are_wrong_is_flagged_whole(rule: Any, measure: Any) -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    finding = Roni(rule=rule, measure=measure).screen(data)
    assert data.sources is not None and poisoned[data.sources == 1].mean() == 0.4
    assert np.array_equal(finding.flagged, data.sources == 1)
    assert finding.notes["worst"][0]["group"] == "supplier-2" and finding.notes["worst"][0]["impact"] > 0
    assert finding.notes["trusted_groups"] == 50 and not finding.warnings


def test_a_backdoor_leaves_the_accuracy_as_it_is_so_its_supplier_is_not_found() -> None:
    data, poisoned = make_suspect(poison=80)
    assert not Roni().screen(supplied(data, poisoned)).flagged.any()


@pytest.mark.parametrize("groups", ["sources", "clusters", "random"])
def test_of_clean_rows_hardly_a_group_goes(groups: Literal["sources", "clusters", "random"]) -> None:
    shares = []
    for seed in range(2):
        data, poisoned = make_suspect(poison=0, seed=seed)
        known = supplied(data, poisoned) if groups == "sources" else data
        shares.append(Roni(groups=groups, groups_per_class=3).screen(known).flagged.mean())
    assert np.mean(shares) < 0.05


def test_without_sources_the_clusters_of_a_class_are_its_groups() -> None:
    data, poisoned = flipped(rows=80)
    finding = Roni().screen(data)
    assert finding.flagged[poisoned].mean() > 0.9 and finding.flagged[~poisoned].mean() < 0.02
    assert finding.notes["groups"] == 6 * len(CLASSES)


def test_rows_of_nobody_are_a_group_of_their_own() -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    assert data.sources is not None
    finding = Roni().screen(replace(data, sources=np.where(data.sources == 1, -1, data.sources)))
    assert np.array_equal(finding.flagged, data.sources == 1)
    assert finding.notes["worst"][0]["group"] == "nobody"


def test_rows_that_were_set_aside_are_not_drawn_and_go_with_their_group() -> None:
    data, poisoned = flipped(rows=80)
    data = supplied(data, poisoned)
    finding = Roni().screen(data.without(poisoned))
    assert not finding.flagged.any() and np.isfinite(finding.scores).all()


def test_too_few_trusted_rows_flag_nothing_and_it_says_why() -> None:
    data, _ = flipped(rows=80)
    few = with_features(data.features, data.y, data.trusted_features[:60], data.trusted_y[:60])
    finding = Roni(groups="clusters").screen(few)
    assert not finding.flagged.any()
    assert any("0 groups of trusted rows cannot tell" in said for said in finding.warnings)
    assert any("too few trusted rows of the class" in said for said in finding.warnings)


def test_a_class_without_a_trusted_row_is_not_judged() -> None:
    data, poisoned = flipped(rows=80)
    keep = data.trusted_y != 2
    lacking = with_features(data.features, data.y, data.trusted_features[keep], data.trusted_y[keep])
    finding = Roni(groups="clusters").screen(lacking)
    assert not finding.flagged[lacking.y == 2].any() and finding.flagged[poisoned & (lacking.y != 2)].any()
    assert finding.warnings[0].startswith(f"{CLASSES[2]}: no trusted row of the class")


def test_arts_rejects_what_helps_and_keeps_what_harms() -> None:
    """GIVEN two good points and one far off with the wrong label THEN ART rejects the good ones.

    ART subtracts the accuracy after a point is learned from that before, and rejects what is far below 0.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = np.array([[-1.2], [1.1], [40.0]]), np.eye(2)[[0, 1, 0]]
    trusted, asked = np.array([[-1.0], [1.0]]), np.linspace(-2, 2, 40)[:, None]
    wrapped = art("estimators.classification.scikitlearn").SklearnClassifier
    for seed in range(3):
        np.random.seed(seed)  # noqa: NPY002  ART draws the order from here
        defense = art_poison_detector("roni").RONIDefense(
            wrapped(LogisticRegression()), x, y, trusted, np.eye(2), _agreement, calibrated=False
        )
        defense.x_val, defense.y_val = trusted, np.eye(2)
        defense.x_quiz, defense.y_quiz = asked, np.eye(2)[(asked[:, 0] > 0).astype(int)]
        assert defense.detect_poison()[1] == [0, 0, 1]


def _agreement(one: Any, other: Any) -> float:
    return float((one.argmax(1) == other.argmax(1)).mean())


def test_ours_has_the_sign_the_right_way() -> None:
    """GIVEN the same three points beside three trusted ones THEN the one that harms has an impact above 0."""
    known, known_y = np.array([[-1.0], [1.0], [1.5]], np.float32), np.array([0, 1, 1])
    asked = np.linspace(-2, 2, 40, dtype=np.float32)[:, None]
    asked_y = (asked[:, 0] > 0).astype(np.int64)
    alone = harm(fitted(known, np.arange(3), known_y, 0), asked, asked_y, "loss")
    each = Round(known, known_y, asked, asked_y, np.zeros(0, np.int64), alone, "loss")
    points, labels = np.array([[-1.2], [1.1], [40.0]], np.float32), np.array([0, 1, 0])
    impacts = [each.impact(points[[k]], labels[[k]], 0) for k in range(3)]
    assert impacts[2] > 0 and impacts[2] > max(impacts[:2])
