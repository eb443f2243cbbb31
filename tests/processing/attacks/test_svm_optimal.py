"""Points with the wrong label, optimized against a support vector machine."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make, stage
from helpers.svm_cases import accuracy_after, cloud_pool, clouds

from processing.attacks.common.deeds import Facts


def test_labels_are_flipped_and_pixels_moved() -> None:
    pool = cloud_pool()
    batch = stage(make("svm_optimal", rate=0.2), pool)
    assert np.array_equal(batch.y, 1 - pool.y[batch.origin])
    assert (np.asarray(batch.x) != pool.x[batch.origin]).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("mode", ["add", "replace"])
def test_it_harms_rows_that_it_never_saw_more_than_flipping(kernel: Any, mode: str) -> None:
    test, found = clouds(1000, 99), {"svm_flipping": [], "svm_optimal": []}
    for seed in range(4):
        pool = cloud_pool(40, seed)
        for kind, settings in (("svm_flipping", {}), ("svm_optimal", {"kernel": kernel, "steps": 8})):
            batch = stage(make(kind, rate=0.3, mode=mode, **settings), pool, seed)
            found[kind].append(accuracy_after(pool, batch, kernel, test))
    assert statistics.mean(found["svm_optimal"]) < statistics.mean(found["svm_flipping"]) - 0.03


def test_it_says_that_the_label_is_the_other_one() -> None:
    deed = make("svm_optimal", rate=0.1, between=["cat", "dog"]).deed(Facts(1))
    assert deed == (
        "1 picture of “cat” and “dog” optimized against a support vector machine, "
        "with the label of the other class."
    )
