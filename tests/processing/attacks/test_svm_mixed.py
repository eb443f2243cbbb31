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
    kinds = [(flipped & ~moved).sum(), (flipped & moved).sum(), (~flipped & moved).sum()]
    assert kinds == [6, 6, 6] and len(batch.y) == 18
