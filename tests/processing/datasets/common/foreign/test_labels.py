"""Labels of every form: numbers that name their classes, names, one-hot rows; or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.foreign.labels import composed, labeled

Y = np.array([0, 2, 1, 2])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (Y, ""),
        (Y[:, None].astype(np.uint8), ""),
        (Y.astype(np.float32), "whole numbers in float32"),
        (np.eye(3)[Y], "one-hot of 3 columns"),
        (np.eye(3, dtype=np.uint8)[Y], "one-hot of 3 columns"),
    ],
    ids=["plain", "a column", "floats", "one-hot", "one-hot in bytes"],
)
def test_numbers_in_any_form_are_the_same_labels(raw: npt.NDArray[Any], words: str) -> None:
    (found,), classes, said = labeled({"y": raw}, None)
    assert found.dtype == np.int64 and np.array_equal(found, Y) and classes == ("0", "1", "2")
    assert words in " ".join(said) and bool(said) == bool(words)


@pytest.mark.parametrize(
    ("y", "classes"), [(Y + 1, ("1", "2", "3")), (np.array([0, 17, 3, 17]), ("0", "3", "17"))]
)
def test_numbers_that_leave_a_gap_name_their_classes(y: npt.NDArray[Any], classes: tuple[str, ...]) -> None:
    (train, test), found, said = labeled({"y_train": y, "y_test": y[:2]}, None)
    assert found == classes and [found[k] for k in train] == [str(v) for v in y]
    assert [found[k] for k in test] == [str(v) for v in y[:2]] and "each names its class" in said[0]


def test_texts_name_their_classes_in_their_natural_order() -> None:
    y = np.array(["sign-10", "sign-2", "sign-10"])
    assert labeled({"y": y}, None)[1] == ("sign-2", "sign-10")
    assert labeled({"y": np.char.encode(y)}, None)[0][0].tolist() == [1, 0, 1]


def test_a_decomposed_name_is_the_composed_one() -> None:
    assert composed("cafe\u0301") == "caf\u00e9"
    y = np.array(["cafe\u0301", "caf\u00e9", "tea"])
    assert labeled({"y": y}, None)[1] == ("caf\u00e9", "tea")


def test_names_that_are_given_go_by_the_numbers_or_by_themselves() -> None:
    names = ("cat", "dog", "fox")
    assert labeled({"y": Y}, names)[1] == names
    assert labeled({"y": np.array(["fox", "cat"])}, names)[0][0].tolist() == [2, 0]


@pytest.mark.parametrize(
    ("parts", "names", "why"),
    [
        ({"y": Y - 1}, None, "one is -1; 1 of 4 are below 0"),
        ({"y": Y + 1}, ("a", "b", "c"), r"one is 3; there are 3 classes, from 0 to 2.*\n.*y = y - 1"),
        ({"y": Y}, ("a", "b"), r"one is 2; there are 2 classes.*\n.*name 3 classes"),
        ({"y": Y, "v": np.array([7])}, None, "v: one is 7, and no training row"),
        ({"y": np.array(["a", "b"]), "v": np.array(["c"])}, None, "'c' is none of the 2 classes"),
        ({"y": np.array(["a", "b"]), "v": Y}, None, "of text, and v of numbers"),
        ({"y": np.full((4, 3), 1 / 3)}, None, r"not every row is one-hot.*\n.*argmax"),
        ({"y": np.array([0.5, 1])}, None, "no whole numbers"),
        ({"y": np.zeros((2, 2, 2))}, None, r"float64\[2, 2, 2\]"),
    ],
)
def test_what_is_of_no_class_is_refused(
    parts: dict[str, npt.NDArray[Any]], names: tuple[str, ...] | None, why: str
) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        labeled(parts, names)
    assert caught.value.do
