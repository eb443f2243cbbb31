"""What is done to the images of a batch: the same for the same seed, whole rows, no pixel from nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.settings import TrainConfig
from training.fit import batch_seeds
from training.learning.augment import Augment, turned

SEEDS = batch_seeds(0, 0, 0)
X = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3), np.uint8)
NOBODY = np.zeros(len(X), bool)
ALL = slice(None)


def done(augment: Augment, turns: np.ndarray = NOBODY, side: int | None = None) -> Any:
    import tensorflow as tf

    return augment(tf.constant(X), ALL, SEEDS, tf.constant(turns), side).numpy()


def test_nothing_is_done_where_nothing_is_asked() -> None:
    assert np.array_equal(done(Augment.of(TrainConfig())), X)


def test_a_shift_moves_all_rows_by_at_most_so_many_pixels() -> None:
    moved = done(Augment(3, "none"))
    pad = np.pad(X, [(0, 0), (3, 3), (3, 3), (0, 0)], "reflect")
    found = [
        (top, left)
        for top in range(7)
        for left in range(7)
        if np.array_equal(moved, pad[:, top : top + 8, left : left + 8])
    ]
    assert len(found) == 1


def test_a_random_mirror_turns_about_half_of_the_rows() -> None:
    seen = done(Augment(0, "random"))
    same = (seen == X).all((1, 2, 3))
    assert 16 < same.sum() < 48 and np.array_equal(seen[~same], X[~same][:, :, ::-1])


def test_an_alternating_mirror_turns_each_row_in_every_second_epoch() -> None:
    rows = np.arange(10_000)
    first, second, third = (turned(7, epoch, rows) for epoch in range(3))
    assert np.array_equal(first, ~second) and np.array_equal(first, third)
    assert abs(first.mean() - 0.5) < 0.02 and not np.array_equal(first, turned(8, 0, rows))
    assert np.array_equal(turned(7, 0, rows[::-1])[::-1], first), "it hangs on the row, not on its place"
    turns = turned(7, 0, np.arange(len(X)))
    seen = done(Augment(0, "alternating"), turns)
    assert np.array_equal(seen[turns], X[turns][:, :, ::-1]) and np.array_equal(seen[~turns], X[~turns])


def test_images_of_another_size_are_still_bytes() -> None:
    small = done(Augment(0, "none"), side=4)
    assert small.shape == (64, 4, 4, 3) and small.dtype == np.uint8
    exact = X.reshape(64, 4, 2, 4, 2, 3).mean((2, 4))
    assert np.abs(small - exact).max() <= 1, "half the side: the mean of four"
