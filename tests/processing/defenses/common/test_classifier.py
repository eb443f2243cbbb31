"""The classifier on features is scikit-learn's, and its harm what is computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import overlapping

from processing.defenses.common.classifier import Classifier, fitted, harm


@pytest.mark.parametrize("classes", [2, 3])
def test_the_probabilities_are_scikit_learns_and_far_features_do_not_matter(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    data = overlapping(rows=300)
    rows = np.flatnonzero(data.y < classes)
    features, y = (100 * data.features + 5000).astype(np.float32), data.y[rows]
    points = StandardScaler().fit_transform(features[rows].astype(float))
    wanted = LogisticRegression(max_iter=300).fit(points, y).predict_proba(points)
    assert np.allclose(
        fitted(features, rows, y, 0).answers(features, rows, 3)[:, :classes], wanted, atol=1e-3
    )


def test_harm_is_the_mean_loss_or_the_share_that_is_called_otherwise() -> None:
    """Of two classes with the odds e^0 : e^x a row at x = log 3 is of the second with 3/4."""
    classifier = Classifier(np.array([0, 1]), np.array([[0.0, 1.0]]), np.zeros(2))
    x, y = np.log(np.array([[3.0], [3.0]], np.float32)), np.array([1, 0])
    assert harm(classifier, x, y, "accuracy") == 0.5
    assert harm(classifier, x, y, "loss") == pytest.approx(-(np.log(3 / 4) + np.log(1 / 4)) / 2)


def test_a_class_that_it_has_not_learned_costs_a_row_as_much_as_any_may() -> None:
    classifier = Classifier(np.array([0]), np.zeros((1, 1)), np.zeros(1))
    assert harm(classifier, np.zeros((2, 1), np.float32), np.array([0, 2]), "loss") == 7.0
