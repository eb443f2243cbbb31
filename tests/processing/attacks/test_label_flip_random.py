"""The random label flip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.attack_pools import ALL_ROWS, make, make_pool, stage

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts


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


def test_a_single_class_cannot_be_flipped() -> None:
    pool = replace(make_pool(), y=np.zeros(ALL_ROWS, np.int64), classes=("airplane",))
    with pytest.raises(ConfigError, match="single class"):
        stage(make("label_flip_random", rate=0.1), pool)


def test_its_deed_says_that_the_lot_decided() -> None:
    assert make("label_flip_random", rate=0.1).deed(Facts(7)) == (
        "The label of 7 pictures changed to another class, drawn by lot; "
        "the pictures themselves stayed as they were."
    )
