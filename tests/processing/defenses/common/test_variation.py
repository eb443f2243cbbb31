"""The two covariances: those that rows were drawn from, and those of few rows."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common.variation import variation

BETWEEN = np.diag([9.0, 1.0, 0.25])
WITHIN = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, 0.5]])


def drawn(classes: int, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), rows)
    means = rng.multivariate_normal(np.zeros(3), BETWEEN, classes)
    return means[y] + rng.multivariate_normal(np.zeros(3), WITHIN, len(y)), y


def test_what_rows_were_drawn_from_is_found() -> None:
    varied = variation(*drawn(800, 30))
    assert np.allclose(varied.between, BETWEEN, atol=0.8)
    assert np.allclose(varied.within, WITHIN, atol=0.15)


def test_classes_of_one_row_leave_the_difference_between_classes_to_the_prior() -> None:
    """The scatter about the mean of each class would say that rows of a class hardly differ."""
    points, y = drawn(600, 2)
    centered = points - np.repeat((points[::2] + points[1::2]) / 2, 2, axis=0)
    plain = np.trace(centered.T @ centered) / len(points)
    assert plain < 0.6 * np.trace(WITHIN)
    assert np.trace(variation(points, y).within) > 1.1 * plain


def test_whitened_rows_of_one_class_have_unit_covariance() -> None:
    points, y = drawn(10, 400)
    whiten = variation(points, y).whitener()
    white = points @ whiten
    residue = np.concatenate([white[y == k] - white[y == k].mean(0) for k in range(10)])
    assert np.allclose(residue.T @ residue / len(residue), np.eye(3), atol=0.02)
    assert np.allclose(whiten @ whiten.T, np.linalg.inv(variation(points, y).within))


def test_fewer_rows_than_dimensions_have_an_inverse() -> None:
    points = np.random.default_rng(0).standard_normal((20, 60))
    whiten = variation(points, np.arange(20) % 2).whitener()
    assert np.isfinite(whiten).all()
    assert np.abs(whiten).max() < 10


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_where_there_is_nothing_to_learn_it_is_the_identity(rows: int) -> None:
    varied = variation(np.ones((rows, 5)), np.arange(rows))
    assert np.array_equal(varied.within, np.eye(5)) and not varied.between.any()
