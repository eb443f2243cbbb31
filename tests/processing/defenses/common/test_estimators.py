"""Fitting with scikit-learn: rows that are drawn, folds that are even, optimizers that stop early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.defenses.common.estimators import draw, fitting, fold_numbers


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=60), st.integers(2, 6), st.integers(0, 3))
def test_every_class_is_dealt_evenly(labels: list[int], folds: int, seed: int) -> None:
    y = np.array(labels, np.int64)
    numbers = fold_numbers(y, folds, seed)
    assert np.array_equal(numbers, fold_numbers(y, folds, seed))
    for counted in [numbers, *(numbers[y == label] for label in range(5))]:
        sizes = np.bincount(counted, minlength=folds)
        assert len(sizes) == folds
        assert sizes.max() - sizes.min() <= 1


def test_the_seed_decides_who_is_in_which_fold() -> None:
    y = np.arange(100) % 2
    assert not np.array_equal(fold_numbers(y, 5, 0), fold_numbers(y, 5, 1))


def test_few_rows_are_all_drawn_and_of_many_some_in_their_order() -> None:
    rows = np.arange(0, 1000, 3)
    assert np.array_equal(draw(rows, 1000, 0), rows)
    some = draw(rows, 50, 0)
    assert len(np.unique(some)) == 50
    assert np.isin(some, rows).all()
    assert np.array_equal(some, np.sort(some))
    assert np.array_equal(some, draw(rows, 50, 0))
    assert not np.array_equal(some, draw(rows, 50, 1))


def test_an_optimizer_that_stops_early_is_taken_at_its_word_and_other_warnings_are_not_hidden() -> None:
    from sklearn.linear_model import LogisticRegression

    points = np.random.default_rng(0).standard_normal((50, 3))
    with fitting():
        LogisticRegression(max_iter=1, tol=1e-12).fit(points, points[:, 0] > 0)
    with pytest.raises(RuntimeWarning, match="divide"), fitting():
        np.ones(1) / np.zeros(1)
