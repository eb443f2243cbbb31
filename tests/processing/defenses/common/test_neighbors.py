"""Neighbors in blocks: those that a matrix of all pairs gives."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common import neighbors
from processing.defenses.common.neighbors import mean_of, nearest, to_centers


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_QUERIES_AT_ONCE", "_POINTS_AT_ONCE", "_BLOCK_ROWS"):
        monkeypatch.setattr(neighbors, name, 7)


@pytest.mark.usefixtures("small_blocks")
def test_the_nearest_are_those_of_a_matrix_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    points = (rng.standard_normal((60, 5)) + 100).astype(np.float32)
    queries = (rng.standard_normal((20, 5)) + 100).astype(np.float32)
    apart = np.linalg.norm(queries[:, None].astype(float) - points, axis=2)
    found = nearest(queries, points, 4)
    assert np.array_equal(found.rows, apart.argsort(1)[:, :4])
    assert np.allclose(found.apart, np.sort(apart, axis=1)[:, :4], atol=1e-4)


@pytest.mark.usefixtures("small_blocks")
def test_a_row_is_no_neighbor_of_itself_nor_is_who_is_not_asked() -> None:
    rng = np.random.default_rng(1)
    points = rng.standard_normal((40, 3)).astype(np.float32)
    points[20] = points[21]
    among = np.arange(10, 40)
    found = nearest(points, points, 3, among=among, itself=np.arange(40))
    assert np.isin(found.rows, among).all()
    assert not (found.rows == np.arange(40)[:, None]).any()
    assert found.rows[20, 0] == 21
    assert found.apart[20, 0] == pytest.approx(0, abs=1e-3)


def test_there_are_no_more_neighbors_than_points() -> None:
    points = np.eye(3, dtype=np.float32)
    assert nearest(points, points, 9).rows.shape == (3, 3)
    assert nearest(points, points, 9, itself=np.arange(3)).rows.shape == (3, 2)
    assert nearest(points, points, 9, among=np.array([1]), itself=np.arange(3)).rows.shape == (3, 0)
    assert nearest(points, points[:0], 1).rows.shape == (3, 0)
    assert nearest(points[:0], points, 1).rows.shape == (0, 1)


@pytest.mark.usefixtures("small_blocks")
def test_the_distance_to_a_center_is_taken_in_the_basis() -> None:
    rng = np.random.default_rng(2)
    features, basis = rng.standard_normal((30, 4)).astype(np.float32), rng.standard_normal((4, 4))
    centers, rows = rng.standard_normal((3, 4)), np.array([3, 17, 29])
    wanted = np.linalg.norm((features[rows, None].astype(float) - centers) @ basis, axis=2)
    assert np.allclose(to_centers(features, basis, centers, rows), wanted)


def test_what_is_rounding_is_no_distance() -> None:
    still = np.full((5, 4), 0.1, np.float32)
    center = mean_of(np.concatenate([still, still, still[:3]]), np.arange(13)) * (1 + 1e-9)
    assert not to_centers(still, np.eye(4), center[None]).any()


@pytest.mark.usefixtures("small_blocks")
def test_a_mean_is_taken_in_blocks() -> None:
    features = np.random.default_rng(3).standard_normal((50, 4)).astype(np.float32)
    rows = np.arange(1, 50, 2)
    assert np.allclose(mean_of(features, rows), features[rows].mean(0, dtype=float))
