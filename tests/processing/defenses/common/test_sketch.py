"""Sketches: never further apart than the images, whatever their size."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.defenses.common.sketch import DIMENSIONS, sketch, sketched

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
    for grid in (8, 16):
        assert (distances(sketch(x, grid)) <= distances(x) * (1 + 1e-5) + 1e-3).all()
    kept = sketched(x, np.arange(6))
    assert kept.shape[1] <= DIMENSIONS
    assert (distances(kept) <= distances(x) * (1 + 1e-5) + 1e-3).all()


def test_the_directions_that_are_kept_are_the_widest() -> None:
    x = images((16, 16, 3), 400, 0)
    x[:, :8] //= 2
    whole, kept = sketch(x), sketched(x, np.arange(400))
    assert kept.shape == (400, DIMENSIONS) and whole.shape == (400, 192)
    spread = kept.var(0)
    assert (np.diff(spread) <= 1e-3 * spread[0]).all() and spread.sum() > whole.var(
        0
    ).sum() * DIMENSIONS / 192


def test_rows_are_those_that_were_asked_for_and_none_give_none() -> None:
    x = images((8, 8, 3), 50, 0)
    some = np.array([3, 4, 40])
    assert np.allclose(distances(sketched(x, some)), distances(sketched(x[some], np.arange(3))), atol=1e-2)
    assert len(sketched(x, some[:0])) == len(sketched(x[:0], some[:0])) == 0
