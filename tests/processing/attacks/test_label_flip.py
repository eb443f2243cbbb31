"""Label flips, random and targeted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, make, make_pool, stage

from boomerang.errors import ConfigError


def test_a_random_flip_moves_exactly_the_rate_and_no_pixel() -> None:
    pool = make_pool()
    batch = stage(make("label_flip_random", rate=0.15), pool)
    assert len(batch.replaced) == len(batch.x) == 0.15 * ALL_ROWS
    assert np.array_equal(batch.x, pool.x[batch.replaced])
    assert np.array_equal(batch.origin, batch.replaced)
    assert np.array_equal(batch.y_true, pool.y[batch.replaced])
    assert (batch.y != batch.y_true).all()


def test_a_random_flip_reaches_every_other_class_alike() -> None:
    pool = make_pool(size_px=1, rows=12_000)
    batch = stage(make("label_flip_random", rate=1.0), pool)
    moves = np.bincount(batch.y_true * 4 + batch.y, minlength=16).reshape(4, 4)
    assert (np.diag(moves) == 0).all()
    # Each of the 12 moves is expected 1,000 times; five standard deviations are about 130.
    assert (np.abs(moves[~np.eye(4, dtype=bool)] - 1000) < 130).all()


@pytest.mark.parametrize(("of", "flipped"), [("class", 10), ("train", 40)])
def test_a_targeted_flip_counts_its_rate_of_what_it_says(of: str, flipped: int) -> None:
    pool = make_pool()
    batch = stage(make("label_flip_targeted", source="cat", target="dog", rate=0.2, of=of), pool)
    assert len(batch.replaced) == flipped
    assert set(batch.y_true) == {2} and set(batch.y) == {3}
    assert np.array_equal(batch.x, pool.x[batch.replaced])


def test_only_free_rows_are_taken_but_the_whole_class_counts() -> None:
    pool = make_pool()
    cats = np.flatnonzero(pool.y == 2)
    half = replace(pool, free=cats[::2])
    batch = stage(make("label_flip_targeted", source="cat", target="dog", rate=0.5), half)
    assert np.array_equal(batch.replaced, cats[::2])
    with pytest.raises(ConfigError, match="of 50 rows it is 26, but only 25 of class 'cat'"):
        stage(make("label_flip_targeted", source="cat", target="dog", rate=0.52), half)


def test_source_and_target_are_two_classes() -> None:
    with pytest.raises(ConfigError, match="source and target are both 'cat'"):
        make("label_flip_targeted", source="cat", target="cat", rate=0.1)


def test_a_single_class_cannot_be_flipped() -> None:
    pool = replace(make_pool(), y=np.zeros(ALL_ROWS, np.int64), classes=("airplane",))
    with pytest.raises(ConfigError, match="single class"):
        stage(make("label_flip_random", rate=0.1), pool)
