"""Answers and scores held against the labels: against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boomerang import scoring


def test_confusion_counts_rows_by_true_class() -> None:
    table = scoring.confusion(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 1]), 3)
    assert table.tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 0]]


SCORES = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60)


@settings(deadline=None)
@given(SCORES)
def test_auroc_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = np.array([float(score) for score, _ in rows])
    positive = np.array([flag for _, flag in rows])
    if not positive.any():
        assert scoring.auroc(scores, positive) is None and scoring.average_precision(scores, positive) is None
        return
    assert scoring.average_precision(scores, positive) == pytest.approx(
        average_precision_score(positive, scores)
    )
    if positive.all():
        assert scoring.auroc(scores, positive) is None
    else:
        assert scoring.auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


@pytest.mark.parametrize(
    ("y", "predicted", "expected"),
    [([0, 0, 0, 1], [0, 0, 0, 0], 0.5), ([0, 1, 2], [0, 1, 2], 1.0), ([0, 0, 1, 1], [0, -1, 1, 1], 0.75)],
)
def test_balanced_accuracy_gives_each_class_the_same_weight(
    y: list[int], predicted: list[int], expected: float
) -> None:
    assert scoring.balanced_accuracy(np.array(y), np.array(predicted)) == expected


def test_balanced_accuracy_of_nothing_is_none() -> None:
    assert scoring.balanced_accuracy(np.array([], int), np.array([], int)) is None
