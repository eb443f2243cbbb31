"""Rows picked from a data set, and foreign arrays brought into one form."""

from __future__ import annotations

import numpy as np
import pytest

from boomerang.errors import BadInput, ConfigError
from processing.datasets.common.corpus import Corpus, Split, as_split, balanced, held_out, sliced
from processing.sharing.tasks import alone


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (np.zeros((2, 8, 8), np.float32), np.zeros(2, int), "float32"),
        (np.zeros((2, 8), np.uint8), np.zeros(2, int), "uint8"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(2), "labels"),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(3, int), "labels"),
    ],
)
def test_arrays_of_another_kind_are_named(x: np.ndarray, y: np.ndarray, word: str) -> None:
    with pytest.raises(BadInput, match=word):
        as_split(x, y, "mine.npz")


def test_balanced_rows_are_distinct_and_equal_in_number() -> None:
    y = np.array([0] * 30 + [1] * 12)
    rows = balanced(y, 10, np.random.default_rng(0), ("a", "b"))
    assert len(set(rows.tolist())) == 20 and np.bincount(y[rows]).tolist() == [10, 10]
    with pytest.raises(ConfigError, match=r"class 'b'.*12 rows and 13"):
        balanced(y, 13, np.random.default_rng(0), ("a", "b"))


def test_every_class_keeps_a_row_on_either_side() -> None:
    y = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    rest, out = held_out(y, 0.25, np.random.default_rng(0))
    assert sorted([*rest, *out]) == list(range(10)) and np.bincount(y[out]).tolist() == [1, 2]
    with pytest.raises(BadInput, match="one row"):
        held_out(np.array([0, 0, 1]), 0.25, np.random.default_rng(0))


def test_rows_that_are_there_are_shared_as_slices() -> None:
    x = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2, 1)
    y = np.arange(10) % 2
    corpus = Corpus("mine", ("a", "b"), Split(x, y), Split(x[:4], y[:4]))
    blueprint = sliced(corpus)
    assert blueprint.shape == (2, 2, 1) and [task.items for task in blueprint.tasks] == [10, 4]
    assert np.array_equal(blueprint.tasks[0].make(3, 5).rows, x[3:5])
    assert np.array_equal(blueprint.build(alone).test.x, x[:4])
