"""Rows that belong together stay on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.datasets.common.foreign.row_groups import held_out_groups, shared_groups


@given(st.integers(2, 60), st.integers(1, 5), st.integers(1, 20), st.integers(0, 99))
@settings(deadline=None)
def test_no_group_is_cut_and_every_class_is_trained_on(
    rows: int, classes: int, groups: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y, group = rng.integers(0, classes, rows), rng.integers(-1, groups, rows)
    rest, out = held_out_groups(y, group, 0.2, rng)
    assert sorted([*rest, *out]) == list(range(rows)) and out.dtype == np.int64
    assert shared_groups(group[rest], group[out]) == 0
    assert set(y[rest]) == set(y)


def test_a_fifth_of_each_class_is_held_out_where_groups_are_small() -> None:
    y = np.repeat([0, 1], (100, 40))
    rest, out = held_out_groups(y, np.arange(140) // 4, 0.2, np.random.default_rng(0))
    assert np.bincount(y[out]).tolist() == [20, 8] and len(rest) == 112


@pytest.mark.parametrize(("sizes", "held"), [((30, 10), 10), ((40,), 0)])
def test_of_a_class_of_few_groups_the_smallest_is_held_out(sizes: tuple[int, ...], held: int) -> None:
    y, group = np.zeros(40, int), np.repeat(np.arange(len(sizes)), sizes)
    assert len(held_out_groups(y, group, 0.2, np.random.default_rng(0))[1]) == held


def test_a_row_of_no_group_is_one() -> None:
    _, out = held_out_groups(np.zeros(10, int), np.full(10, -1), 0.2, np.random.default_rng(0))
    assert len(out) == 2
