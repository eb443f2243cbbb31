"""Trees: every row in one leaf, leaves of one size whatever the rows are, neighbors mostly together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from processing.defenses.common.forest import leaves

CLOUD = np.random.default_rng(0).standard_normal((16, 3_000)).astype(np.float32)


@pytest.mark.parametrize(
    "columns",
    [CLOUD, np.zeros((16, 3_000), np.float32), CLOUD[:1], np.round(CLOUD / 3), CLOUD[:, :0], CLOUD[:, :1]],
    ids=["cloud", "all the same", "one axis", "ties", "none", "one"],
)
def test_every_row_is_in_one_leaf_and_no_leaf_is_large(columns: Any) -> None:
    found = list(leaves(columns, np.random.default_rng(0), 100))
    assert np.array_equal(np.sort(np.concatenate(found)), np.arange(columns.shape[1]))
    assert all(len(leaf) <= 100 and (np.diff(leaf) > 0).all() for leaf in found)
    assert len(found) <= max(1, columns.shape[1] / 100 * 3)


def test_rows_that_lie_near_each_other_are_mostly_together() -> None:
    columns = np.concatenate([CLOUD, CLOUD + np.float32(0.02)], axis=1)
    place = np.zeros(6_000, int)
    for k, leaf in enumerate(leaves(columns, np.random.default_rng(0), 100)):
        place[leaf] = k
    assert (place[:3_000] == place[3_000:]).mean() > 0.9


def test_another_seed_is_another_tree_and_the_same_seed_the_same() -> None:
    one, same, other = ([*leaves(CLOUD, np.random.default_rng(seed), 100)] for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=False))
