"""Convex polytope."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make_example

from processing.attacks.convex_polytope import onto_simplex


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_points_go_to_the_nearest_of_the_simplex(rng: np.random.Generator) -> None:
    points = rng.normal(0, 2, (50, 5)).astype(np.float32)
    got = np.asarray(onto_simplex(points))
    assert (got >= 0).all() and np.allclose(got.sum(1), 1, atol=1e-5)
    others = rng.dirichlet(np.full(5, 0.5), 2000)
    nearest = ((others[None] - points[:, None]) ** 2).sum(-1).min(1)
    assert (((got - points) ** 2).sum(1) <= nearest + 1e-4).all()
    corners = np.eye(5, dtype=np.float32)
    assert np.allclose(onto_simplex(corners), corners)


def test_its_coefficients_are_those_of_the_nearest_point_of_the_hull(rng: np.random.Generator) -> None:
    from scipy.optimize import nnls

    attack: Any = make_example("convex_polytope")
    features = rng.normal(size=(20, 5, 8)).astype(np.float32)
    wanted = rng.normal(size=(20, 8)).astype(np.float32)
    got = np.asarray(attack.coefficients(features, wanted))
    for made, aim, found in zip(features, wanted, got, strict=True):
        # Coefficients in sum 1, told to a solver that knows only 0 and more by a heavy further equation.
        best, _ = nnls(np.vstack([made.T, np.full(5, 1e3)]), np.append(aim, 1e3))
        reached = np.linalg.norm(found @ made - aim)
        assert reached == pytest.approx(np.linalg.norm(best @ made - aim), rel=1e-2)
