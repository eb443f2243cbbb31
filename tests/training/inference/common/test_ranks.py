"""Ranks among trusted rows: worked out by hand, and each row's own as if it were none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.inference.common import ranks
from training.inference.common.ranks import Plane, Planes, known, tube


def line(*places: float) -> Any:
    return np.array(places, np.float32)[:, None]


def test_the_rank_is_that_of_the_nearest_row_of_the_class() -> None:
    # Of the other rows of 0's class the nearer half is the one at 8: its radius is 8.
    found = tube(line(0, 8, 16, 3, 4, 5), np.array([0, 0, 0, 1, 1, 1]))
    assert found.radius.tolist() == [64, 64, 64, 1, 1, 1]
    ranks = found.ranks(line(2, 7, 3.5, -8, -9), np.zeros(5, np.int64))
    # From 2 the row at 3 is nearer, and that at 4 as near; 7 is next to 8, from 3.5 all of the other class
    # are nearer; -8 is on the edge of the radius, and -9 beyond it.
    assert ranks.tolist() == [1 / 5, 0, 3 / 5, 0, 1]
    assert found.ranks(line(2, 7), np.ones(2, np.int64)).tolist() == [0, 1]


def test_a_trusted_row_is_ranked_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(31) % 3
    features = (rng.standard_t(1.5, (31, 2)) + y[:, None] * 0.3).astype(np.float32)
    within = tube(features, y).ranks_within()
    rest = [np.arange(31) != row for row in range(31)]
    alone = [tube(features[left], y[left]).ranks(features[~left], y[~left])[0] for left in rest]
    assert np.allclose(within, alone) and len(set(within.tolist())) > 5 and (within == 1).any()
    monkeypatch.setattr(ranks, "BLOCK_BYTES", 8 * 31 * 4)  # four rows a block
    assert np.array_equal(tube(features, y).ranks_within(), within)


def test_rows_that_are_all_alike_have_the_first_rank() -> None:
    same = np.full((12, 5), 0.1, np.float32)
    found = tube(same, np.arange(12) % 2)
    assert not found.ranks_within().any() and not found.ranks(same, np.arange(12) % 2).any()


def test_a_class_of_two_rows_or_none_has_the_last_rank() -> None:
    y = np.array([0, 0, 0, 1, 1])
    found = tube(line(0, 1, 2, 5, 6), y)
    assert found.ranks(line(5, 5, 1), np.array([1, 2, 0])).tolist() == [1, 1, 0]
    assert known(np.array([0, 1, 2]), y).tolist() == [True, False, False]
    none = tube(np.zeros((0, 1), np.float32), y[:0])
    assert none.ranks(line(5), y[:1]).tolist() == [1] and none.ranks_within().shape == (0,)
    assert tube(line(1), y[:1]).ranks_within().tolist() == [1]


def test_the_score_is_the_distance_from_the_plane_of_trusted_ranks() -> None:
    """GIVEN two layers, so one component THEN the score is what is left beside it, by hand."""
    flat = np.array([[0.1, 0.1], [0.3, 0.3], [0.5, 0.5]])
    plane = Plane.of(flat, 1)
    np.testing.assert_allclose(plane.distances(np.array([[0.9, 0.9], [1.0, 0.0]])), [0, 0.5], atol=1e-12)
    assert np.allclose(Planes.of(flat, 1).own(flat), 0)
    bent = np.array([[0.1, 0.1], [0.3, 0.3], [0.5, 0.5], [0.2, 0.6]])
    planes = Planes.of(bent, 1)
    assert len(planes.each) == 4 and planes.own(bent)[3] == pytest.approx(0.08), "from the line of the others"
    mean = np.mean([plane.distances(bent) for plane in planes.each], axis=0)
    assert np.allclose(planes.distances(bent), mean) and planes.distances(bent)[3] < 0.08
    assert Planes.of(bent[:0], 1).own(bent[:0]).shape == (0,)
