"""Label flips between two classes."""

from __future__ import annotations

import numpy as np
from helpers.attack_pools import make, make_pool, stage
from helpers.svm_cases import cloud_pool

from processing.attacks.common.deeds import Facts


def test_the_rows_get_the_other_label_and_keep_their_pixels() -> None:
    pool = cloud_pool()
    for mode in ("add", "replace"):
        batch = stage(make("svm_flipping", rate=0.25, mode=mode), pool)
        assert np.array_equal(np.asarray(batch.x), pool.x[batch.origin])
        assert np.array_equal(batch.y, 1 - pool.y[batch.origin]) and np.array_equal(batch.y_true, 1 - batch.y)


def test_between_two_of_many_classes_no_other_is_touched() -> None:
    batch = stage(make("svm_flipping", rate=0.2, between=["dog", "bird"]), make_pool())
    assert len(batch.y) == 20 and set(batch.y) == {1, 3} and set(batch.y_true) == {1, 3}
    assert (batch.y != batch.y_true).all()


def test_it_says_whether_the_right_labels_are_still_there() -> None:
    words = {mode: make("svm_flipping", rate=0.1, mode=mode).deed(Facts(3)) for mode in ("add", "replace")}
    assert words == {
        "add": "Copies of 3 pictures added with the label of the other class.",
        "replace": "The label of 3 pictures changed to the other class.",
    }
