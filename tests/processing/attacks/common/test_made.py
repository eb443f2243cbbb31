"""Images that are made when they are asked for: they stand for an array, and are held to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from processing.attacks.common.made import Made, taken

X = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), np.uint8)
ROWS = np.array([3, 3, 8, 0])


def test_it_is_asked_like_an_array() -> None:
    made, array = taken(X, ROWS), X[ROWS]
    assert (made.shape, made.dtype, made.ndim, len(made)) == (array.shape, array.dtype, array.ndim, 4)
    questions: list[Any] = [
        *(slice(None), slice(1, 3), slice(-1, None), slice(4, 9), 0, -1),
        *(np.array([2, 0, 2]), np.array([True, False, False, True]), np.array([], np.int64)),
    ]
    for which in questions:
        assert np.array_equal(made[which], array[which])
    assert np.array_equal(np.asarray(made), array)
    assert [image.tolist() for image in made] == array.tolist()  # type: ignore[attr-defined]


def test_only_what_is_asked_for_is_made_and_it_is_the_askers_own() -> None:
    asked: list[Any] = []

    def make(rows: Any) -> Any:
        asked.append(rows.tolist())
        return X[rows]

    made = Made((9, 4, 4, 3), make)
    made[2:4][:] = 0
    assert asked == [[2, 3]] and X[2:4].any()


def test_a_row_that_is_not_there_is_no_image() -> None:
    with pytest.raises(IndexError):
        taken(X, ROWS)[4]


@pytest.mark.parametrize(
    "wrong", [lambda rows: X[rows] / 255, lambda rows: X[rows][:, 1:], lambda rows: X[:1], lambda rows: X]
)
def test_what_does_not_fit_is_refused_when_it_is_made(wrong: Any) -> None:
    made = Made((9, 4, 4, 3), wrong)
    with pytest.raises(ValueError, match=r"images of 2 rows were made as .* not uint8\[2, 4, 4, 3\]"):
        made[:2]
