"""Whitening: unit covariance within clean classes, and no accident with few or strange rows."""

from __future__ import annotations

import numpy as np
from helpers.suspects import make_suspect

from processing.defenses.common.whitening import whitener, within_class


def test_clean_classes_get_unit_covariance() -> None:
    data, _ = make_suspect(trusted=8000)
    white = data.trusted_features @ whitener(data.trusted_features, data.trusted_y)
    covariance = np.cov(within_class(white, data.trusted_y).T)
    assert np.abs(covariance - np.eye(len(covariance))).max() < 0.1


def test_classes_are_centered_each_on_its_own() -> None:
    data, _ = make_suspect()
    centered = within_class(data.trusted_features, data.trusted_y)
    assert max(abs(centered[data.trusted_y == k].mean()) for k in range(4)) < 1e-6


def test_fewer_rows_than_dimensions_still_give_a_finite_whitener() -> None:
    features = np.random.default_rng(0).standard_normal((8, 50)).astype(np.float32)
    basis = whitener(features, np.arange(8) % 2)
    assert np.isfinite(basis).all()
    assert np.linalg.matrix_rank(basis) == 50


def test_a_unit_that_no_trusted_row_lights_stays_bounded() -> None:
    features = np.random.default_rng(0).standard_normal((500, 6)).astype(np.float32)
    features[:, 2] = 0
    basis = whitener(features, np.zeros(500, np.int64))
    assert np.abs(basis).max() < 2000


def test_without_variance_nothing_changes() -> None:
    assert np.array_equal(whitener(np.ones((4, 3), np.float32), np.arange(4)), np.eye(3))
    assert np.array_equal(whitener(np.ones((0, 3), np.float32), np.zeros(0, np.int64)), np.eye(3))
