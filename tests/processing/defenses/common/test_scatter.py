"""The scatter of a class: that of its rows whitened one by one, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from processing.defenses.common import scatter as module
from processing.defenses.common.scatter import scatter


@pytest.mark.parametrize("block_rows", [1, 7, 4096])
def test_a_basis_on_the_scatter_is_a_basis_on_the_rows(
    block_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK_ROWS", block_rows)
    rng = np.random.default_rng(0)
    features = (50 + rng.standard_normal((100, 6)) * np.arange(1, 7)).astype(np.float32)
    basis, rows = rng.standard_normal((6, 6)), np.arange(0, 100, 2)
    varied = scatter(features, rows)
    white = features[rows].astype(float) @ basis
    center = white - white.mean(0)
    axes = np.linalg.svd(center, full_matrices=False)[2][:2]
    got = varied.along(varied.axes(basis, 2), features, rows)
    assert np.allclose(np.abs(got), np.abs(center @ axes.T))
    assert np.allclose(varied.mean, features[rows].mean(0, dtype=float))


def test_what_is_left_of_a_scatter_is_that_of_the_other_rows() -> None:
    features = (50 + np.random.default_rng(0).standard_normal((100, 6))).astype(np.float32)
    some = np.arange(100) % 3 == 0
    left = scatter(features).without(scatter(features, np.flatnonzero(some)))
    alone = scatter(features, np.flatnonzero(~some))
    assert left.rows == alone.rows == 66
    assert np.allclose(left.mean, alone.mean) and np.allclose(left.matrix, alone.matrix)
