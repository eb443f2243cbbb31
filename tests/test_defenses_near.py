"""Close pairs: exactly those of a comparison of everything with everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.defenses import near

shapes = st.tuples(st.integers(1, 19), st.integers(1, 19), st.sampled_from([1, 3]))


def images(shape: tuple[int, ...], rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(rng.integers(0, 256), 40, (rows, *shape)), 0, 255).astype(np.uint8)


def distances(a: Any) -> Any:
    flat = a.reshape(len(a), -1).astype(float)
    return np.sqrt(((flat[:, None] - flat[None]) ** 2).sum(-1))


@settings(max_examples=50, deadline=None)
@given(shapes, st.integers(0, 1000))
def test_a_sketch_is_never_further_apart_than_the_images(shape: tuple[int, ...], seed: int) -> None:
    x = images(shape, 6, seed)
    assert (distances(near.sketch(x)) <= distances(x) * (1 + 1e-5) + 1e-3).all()


@pytest.mark.parametrize("block_rows", [1, 7, 256])
def test_the_pairs_are_those_of_brute_force(block_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "_BLOCK_ROWS", block_rows)
    x, y = images((12, 12, 3), 60, 1), np.arange(60) % 3
    apart = distances(x)
    limit = float(np.quantile(apart, 0.2))
    wanted = np.argwhere(np.triu((apart < limit) & (y[:, None] != y[None])))
    assert len(wanted) > 100
    assert sorted(near.close_pairs(x, y, limit)) == [(int(i), int(j)) for i, j in wanted]


def test_the_nearest_other_label_is_that_of_brute_force() -> None:
    x, y = images((12, 12, 3), 600, 2), np.arange(600) % 3
    expected = distances(x)[y[:, None] != y[None]].min()
    assert near.nearest_other_label(x, y) == pytest.approx(expected, rel=1e-4)


def test_one_label_has_no_other() -> None:
    assert near.nearest_other_label(images((8, 8, 1), 4, 0), np.zeros(4, np.int64)) is None
