"""Points with their own label, optimized against a support vector machine."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from helpers.attack_pools import make, stage
from helpers.svm_cases import accuracy_after, cloud_pool, clouds

from boomerang.errors import ConfigError


def test_labels_are_kept_and_pixels_moved() -> None:
    pool = cloud_pool()
    batch = stage(make("svm_semi_optimal", rate=0.2), pool)
    assert np.array_equal(batch.y, batch.y_true)
    moved = (np.asarray(batch.x) != pool.x[batch.origin]).any(axis=(1, 2, 3))
    assert moved.sum() >= 3  # one that finds no way to harm stays where it is, and which do hangs on the CPU


def test_it_harms_rows_that_it_never_saw() -> None:
    test, clean, found = clouds(1000, 99), [], []
    for seed in range(4):
        pool = cloud_pool(40, seed)
        for settings, into in (({"rows": [0], "steps": 1}, clean), ({"rate": 0.3, "steps": 8}, found)):
            batch = stage(make("svm_semi_optimal", **settings), pool, seed)
            into.append(accuracy_after(pool, batch, "linear", test))
    assert statistics.mean(found) < statistics.mean(clean) - 0.03


def test_where_rows_are_held_out_its_points_start_on_those(monkeypatch: pytest.MonkeyPatch) -> None:
    from processing.attacks.common import two_classes

    watched: list[np.ndarray] = []

    class Noting(two_classes.Arena):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            watched.append(self.watched_x)

    monkeypatch.setattr(two_classes, "Arena", Noting)
    pool = cloud_pool()
    batch = stage(make("svm_semi_optimal", rate=0.2, held_out=0.5, steps=1), pool)
    starts = two_classes.flat(pool.x[batch.origin])
    assert len(batch.y) == 8 and len(np.unique(batch.origin)) == 8
    assert all((watched[0] == start).all(axis=1).any() for start in starts)
    with pytest.raises(ConfigError, match="raise `held_out`"):
        stage(make("svm_semi_optimal", rate=0.5, held_out=0.25), pool)
