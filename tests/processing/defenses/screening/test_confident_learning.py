"""Confident learning: the paper's quantities by hand, wrong labels, and the rule that trusted rows set."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import Plant, collided, flipped, overlapping
from helpers.suspects import CLASSES, make_suspect, with_features

from boomerang.scoring import auroc
from processing.defenses.common.classifier import fitted
from processing.defenses.screening.confident_learning import (
    ConfidentLearning,
    by_class,
    by_noise_rate,
    calibrated_counts,
    confident_joint,
    thresholds,
)

# Five rows of two classes. Threshold of class 0: (.9 + .6 + .3) / 3 = .6; of class 1: (.8 + .3) / 2 = .55.
ANSWERS = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.7, 0.3]])
LABELS = np.array([0, 0, 0, 1, 1])


def test_thresholds_and_joint_are_those_computed_by_hand() -> None:
    least = thresholds(ANSWERS, LABELS)
    assert np.allclose(least, [0.6, 0.55])
    # Row 2 is labeled 0 and confidently of class 1, row 4 labeled 1 and confidently of class 0.
    assert confident_joint(ANSWERS, LABELS, least).tolist() == [[2, 1], [1, 1]]


def test_a_row_that_is_confidently_of_no_class_counts_nowhere_and_of_two_it_is_of_the_likelier() -> None:
    answers = np.array([[0.5, 0.5], [0.55, 0.45], [0.4, 0.6]])
    assert confident_joint(answers, np.array([0, 0, 1]), np.array([0.52, 0.7])).tolist() == [[1, 0], [0, 0]]
    assert confident_joint(answers, np.array([0, 0, 1]), np.array([0.3, 0.3])).tolist() == [[2, 0], [0, 1]]


def test_the_joint_is_made_to_add_up_to_the_rows_of_each_label() -> None:
    joint = np.array([[30, 10], [0, 0]])
    assert calibrated_counts(joint, np.array([80, 5])).tolist() == [[60, 20], [0, 0]]


def test_a_label_that_no_row_carries_has_no_threshold() -> None:
    least = thresholds(np.full((3, 3), 1 / 3), np.array([0, 1, 1]))
    assert least[2] == np.inf
    assert confident_joint(np.full((3, 3), 1 / 3), np.array([0, 1, 1]), least)[:, 2].sum() == 0


def test_pruning_takes_as_many_as_are_counted_by_margin_or_by_self_confidence() -> None:
    """Label 0: by p_1 - p_0 rows 2 and 0, by p_2 - p_0 row 1; by the least p_0 rows 1, 2 and 3."""
    answers = np.array(
        [[0.4, 0.5, 0.1], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1], [0.34, 0.33, 0.33], [0.0, 1.0, 0.0]]
    )
    y, counts = np.array([0, 0, 0, 0, 1]), np.array([[1, 2, 1], [0, 1, 0], [0, 0, 0]])
    assert by_noise_rate(answers, y, counts).tolist() == [True, True, True, False, False]
    assert by_class(answers, y, counts).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("plant", [flipped, collided])
@pytest.mark.parametrize("rank", ["self-confidence", "margin"])
@pytest.mark.parametrize("seed", range(2))
def test_wrong_labels_are_found_and_clean_rows_stay(plant: Plant, rank: str, seed: int) -> None:
    data, poisoned = plant(seed)
    finding = ConfidentLearning.model_validate({"rank": rank}).screen(data)
    assert finding.threshold is not None
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.02
    assert (auroc(finding.scores, poisoned) or 0) > 0.99
    assert finding.scores.min() >= 0
    assert finding.scores.max() <= (1 if rank == "margin" else 700)


@pytest.mark.parametrize("prune", ["noise-rate", "class"])
def test_the_published_rule_counts_the_wrong_labels_and_needs_no_trusted_row(prune: str) -> None:
    data, poisoned = flipped(rows=80)
    none = with_features(data.features, data.y, data.trusted_features[:0], data.trusted_y[:0])
    finding = ConfidentLearning.model_validate({"rule": "paper", "prune": prune}).screen(none)
    assert finding.threshold is None
    assert not finding.warnings
    assert 60 <= finding.flagged.sum() <= 100
    assert finding.flagged[poisoned].mean() > 0.9
    joint = np.array(finding.notes["confident_joint"])
    assert 60 <= joint.sum() - np.trace(joint) <= 100


def test_clean_rows_where_classes_overlap_are_taken_by_the_published_rule_alone() -> None:
    assert ConfidentLearning(rule="paper").screen(overlapping()).flagged.mean() > 0.1
    shares = [ConfidentLearning(max_fpr=0.02).screen(overlapping(seed)).flagged.mean() for seed in range(6)]
    assert 0.008 < np.mean(shares) < 0.03


def test_every_row_is_asked_of_a_classifier_fitted_without_it() -> None:
    """GIVEN labels that no feature tells WHEN there are as many features as rows THEN nobody is confident."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    known = rng.standard_normal((300, 150)), np.arange(300) % 2
    data = with_features(rng.standard_normal((200, 150)), y, *known, classes=("a", "b"))
    scored = ConfidentLearning(max_fpr=0.1).score(data)
    assert abs((scored.state.answers.argmax(1) == y).mean() - 0.5) < 0.15
    assert ConfidentLearning(max_fpr=0.1).decide(scored).flagged.mean() < 0.2
    inside = fitted(data.features, np.arange(200), y, 0).answers(data.features, np.arange(200), 2)
    assert (inside.argmax(1) == y).mean() > 0.95


def test_a_lone_row_of_its_class_is_not_judged_and_the_warning_says_so() -> None:
    data, _ = make_suspect(poison=0)
    rows = np.flatnonzero((data.y != 2) | (np.cumsum(data.y == 2) <= 1))
    small = with_features(data.features[rows], data.y[rows], data.trusted_features, data.trusted_y)
    finding = ConfidentLearning().screen(small)
    assert not finding.flagged[small.y == 2].any()
    assert finding.warnings[-1].startswith(f"{CLASSES[2]}: no two rows of the class are left")
