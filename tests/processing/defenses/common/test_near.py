"""Close pairs: exactly those of a comparison of everything with everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.defenses.common import near

shapes = st.tuples(st.integers(1, 19), st.integers(1, 19), st.sampled_from([1, 3]))


def images(shape: tuple[int, ...], rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(rng.integers(0, 256), 40, (rows, *shape)), 0, 255).astype(np.uint8)


def distances(a: Any, clip: int = 255) -> Any:
    flat = a.reshape(len(a), -1).astype(float)
    return np.sqrt((np.minimum(np.abs(flat[:, None] - flat[None]), clip) ** 2).sum(-1))


@settings(max_examples=50, deadline=None)
@given(shapes, st.integers(0, 1000))
def test_a_sketch_is_never_further_apart_than_the_images(shape: tuple[int, ...], seed: int) -> None:
    x = images(shape, 6, seed)
    for grid in (8, 16):
        assert (distances(near.sketch(x, grid)) <= distances(x) * (1 + 1e-5) + 1e-3).all()


@pytest.mark.parametrize("block_rows", [1, 7, 256])
def test_the_pairs_are_those_of_brute_force(block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(near, "_PAIRS_AT_ONCE", 5)
    x, y = images((12, 12, 3), 60, 1), np.arange(60) % 3
    apart, clipped = distances(x), distances(x, near.CLIP)
    limits = near.Limits(float(np.quantile(apart, 0.4)), float(np.quantile(clipped, 0.3)))
    close = (apart < limits.distance) & (clipped < limits.clipped)
    wanted = np.argwhere(np.triu(close & (y[:, None] != y[None])))
    assert len(wanted) > 100
    assert sorted(near.close_pairs(x, y, limits)) == [(int(i), int(j)) for i, j in wanted]


def test_rows_made_to_pass_every_sketch_cost_no_more_than_a_few_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = []
    difference = near._difference

    def counted(x: Any, i: Any, j: Any) -> Any:
        measured.append(len(i))
        return difference(x, i, j)

    monkeypatch.setattr(near, "_difference", counted)
    x = np.random.default_rng(0).integers(0, 256, (600, 16, 16, 3), np.uint8)
    y, found = np.arange(600) % 10, near.Close()
    assert list(near.close_pairs(x, y, near.Limits(1e6, 1.0), found)) == []
    assert sum(measured) <= 600 * near.MOST_MEASURED < 600 * 599 * 9 / 20
    others = [int((y[:row] != y[row]).sum()) for row in range(600)]
    assert found.short == {row for row in range(600) if others[row] > near.MOST_MEASURED}


@pytest.mark.parametrize("bound", ["MOST_BEFORE", "MOST_SKETCHED", "MOST_MEASURED"])
def test_of_too_many_the_nearest_are_compared_and_the_row_is_named(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, bound, 4)
    monkeypatch.setattr(near, "_BLOCK_ROWS", 4)
    x, y = images((12, 12, 3), 40, 1), np.arange(40)
    x[-1] = x[-2]  # the nearest there is
    found = near.Close()
    pairs = list(near.close_pairs(x, y, near.Limits(1e6, 1e6), found))
    assert (38, 39) in pairs and found.short >= {20, 39} and 3 not in found.short
    # A window counts from the first row of a block.
    assert max(np.bincount([later for _, later in pairs])) <= 4 + (3 if bound == "MOST_BEFORE" else 0)


def test_the_limits_are_those_of_the_nearest_rows_with_another_label() -> None:
    x, y = images((8, 8, 3), 300, 2), np.arange(300) % 3
    apart = np.where(y[:, None] != y[None], distances(x), np.inf)
    clipped = distances(x, near.CLIP)[np.arange(300), apart.argmin(1)]
    limits = near.learn_limits(x, y, 0.25)
    assert limits is not None
    assert limits.distance == pytest.approx(0.75 * apart.min(), rel=1e-4)
    assert limits.clipped == pytest.approx(clipped.min() / 4, rel=1e-4)


def test_one_label_gives_no_limits() -> None:
    assert near.learn_limits(images((8, 8, 1), 4, 0), np.zeros(4, np.int64), 0.5) is None
