"""The splits of a set by what people call them."""

from __future__ import annotations

import pytest

from boomerang.errors import BadInput
from processing.datasets.common.foreign.naming import by_split, pairs_of, split_of


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["x_train", "y_train", "x_test", "y_test"], {"train": "x_train", "test": "x_test"}),
        (
            ["train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"],
            {"train": "train_images", "test": "test_images", "validation": "val_images"},
        ),
        (["x_train", "y_train", "x_val", "y_val"], {"train": "x_train", "test": "x_val"}),
        (["images", "labels", "mean"], {"train": "images"}),
        (["data", "label"], {"train": "data"}),
        (["x_test", "y_test"], {}),
        (["x_train"], {}),
    ],
)
def test_arrays_are_told_by_their_names(names: list[str], found: dict[str, str]) -> None:
    assert {split: pair[0] for split, pair in pairs_of(names).items()} == found


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("emnist-letters-train-images-idx3-ubyte.gz", "train"),
        ("t10k-labels.idx1-ubyte", "test"),
        ("Training.h5", "train"),
        ("clean_validation_data.h5", "validation"),
        ("trainer.h5", None),
        ("faces.h5", None),
    ],
)
def test_a_file_says_its_split_in_a_word(name: str, split: str | None) -> None:
    assert split_of(name) == split


def test_files_of_splits() -> None:
    assert by_split(["faces.h5"], "here") == {"train": "faces.h5"}
    assert by_split(["valid.h5", "test.h5"], "here") == {"train": "valid.h5", "test": "test.h5"}
    assert by_split(["train.csv", "val.csv"], "here") == {"train": "train.csv", "test": "val.csv"}
    with pytest.raises(BadInput, match=r"bd_test\.h5 and clean_test\.h5 are both of test"):
        by_split(["bd_test.h5", "clean_test.h5", "train.h5"], "here")
    with pytest.raises(BadInput, match="none is called train"):
        by_split(["a.h5", "b.h5"], "here")
