"""A third each of the attacks on a support vector machine."""

from __future__ import annotations

import numpy as np
from helpers.attack_pools import make, stage
from helpers.svm_cases import cloud_pool


def test_a_third_each_is_flipped_flipped_and_moved_and_moved() -> None:
    pool = cloud_pool(60)
    batch = stage(make("svm_mixed", rate=0.3), pool)
    flipped = batch.y != pool.y[batch.origin]
    moved = (np.asarray(batch.x) != pool.x[batch.origin]).any(axis=(1, 2, 3))
    assert len(batch.y) == 18 and flipped.sum() == 12 and (flipped & ~moved).sum() == 6
    assert (~flipped & moved).sum() >= 4  # one that finds no way to harm stays where it is
