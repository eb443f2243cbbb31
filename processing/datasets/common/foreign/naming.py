"""What people call the splits of a set, in arrays and in files."""

from __future__ import annotations

import re
from collections.abc import Collection

from boomerang.errors import BadInput

Pair = tuple[str, str]
# What the arrays of a split are called: by Keras, by MedMNIST, and by people; the first there is read.
_PAIRS: dict[str, tuple[Pair, ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("X_train", "y_train")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), ("X_test", "y_test")),
    "validation": (
        ("x_val", "y_val"),
        ("val_images", "val_labels"),
        ("X_val", "y_val"),
        ("x_valid", "y_valid"),
        ("X_valid", "y_valid"),
    ),
}
_WHOLE: tuple[Pair, ...] = (
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "label"),
    ("data", "target"),
    ("images", "target"),
)
_WORDS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "t10k"),
    "validation": ("val", "valid", "validation"),
}


def pairs_of(names: Collection[str]) -> dict[str, Pair]:
    """Return by split what its images and labels are called, of the names that there are.

    One pair alone is the split `train`; a validation split without a test split is the test split. None where
    there is no pair to train on.
    """
    found = {
        split: next((pair for pair in known if {*pair} <= {*names}), None) for split, known in _PAIRS.items()
    }
    if found["train"] is None:
        whole = next((pair for pair in _WHOLE if {*pair} <= {*names}), None)
        return {} if whole is None else {"train": whole}
    return as_splits({split: pair for split, pair in found.items() if pair is not None})


def as_splits(found: dict[str, Pair]) -> dict[str, Pair]:
    """Return splits of which the validation split is the test split, where there is no other."""
    if "test" in found or "validation" not in found:
        return found
    return {"train": found["train"], "test": found["validation"]}


def words_of(name: str) -> list[str]:
    """Return the words that a name is made of, in lower case.

    >>> words_of("Final_Training"), words_of("t10k-images.idx3-ubyte")
    (['final', 'training'], ['t10k', 'images', 'idx', 'ubyte'])
    """
    return [word.casefold() for word in re.findall(r"t10k|[A-Z]?[a-z]+|[A-Z]+", name)]


def split_of(name: str) -> str | None:
    """Return the split that the name of a file, a folder or a row says it is of.

    None where it says none, or several.

    >>> split_of("t10k-images-idx3-ubyte.gz"), split_of("clean_validation_data.h5"), split_of("faces.h5")
    ('test', 'validation', None)
    """
    words = words_of(name)
    found = [split for split, known in _WORDS.items() if any(word in known for word in words)]
    return found[0] if len(found) == 1 else None


def by_split(names: Collection[str], what: str) -> dict[str, str]:
    """Return by split the one file of several that is of it, by their names.

    One file alone is the split `train`. Without one to train on, a validation split is it, as in the BadNets
    laboratories; without a test split a validation split is that.

    Raises
    ------
    BadInput
        If two are of one split, or there is none to train on.
    """
    if len(names) == 1:
        return {"train": next(iter(names))}
    found: dict[str, str] = {}
    for name in sorted(names):
        split = split_of(name)
        if split is None:
            continue
        if split in found:
            why = f"{found[split]} and {name} are both of {split}"
            raise BadInput(what, why, "give one of the files, or a folder with one for each split")
        found[split] = name
    if "train" not in found and "validation" in found:
        found["train"] = found.pop("validation")
    if "train" not in found:
        why = f"of {', '.join(sorted(names))} none is called train"
        raise BadInput(what, why, "give one of the files, or call them train and test")
    if "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    return found
