"""One's own arrays in `.npy` files: images in one, labels in another."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.safeio import load_npy
from processing.datasets.common.foreign.arrays import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import beside, class_names, rows_of_sources
from processing.datasets.common.foreign.pixels import Stored

# What the files of a split are called; the first that is there is read.
_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("X_train", "y_train"))
_TEST = (("x_test", "y_test"), ("test_images", "test_labels"), ("X_test", "y_test"))
_VALIDATION = (("x_val", "y_val"), ("val_images", "val_labels"), ("X_val", "y_val"))
_WHOLE = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"))
_SOURCE = "source.npy"

Pair = tuple[str, str]


class Npy(ArraySource):
    """One's own arrays in a folder of `.npy` files: `x.npy` and `y.npy`, or a pair for each split.

    A pair may be called `images.npy` and `labels.npy` too, as `resize_images.py` writes them; those of splits
    `x_train.npy, y_train.npy, x_test.npy, y_test.npy`, with or without `x_val.npy, y_val.npy`. Of one pair a
    fifth of each class is held out as the test set. Images are read where they lie. The rest is as for `npz`;
    who delivered the rows of a pair, or of its training split, is said by a file `source.npy`.
    """

    title: ClassVar[str] = "arrays in .npy files"
    words: ClassVar[str] = "images from files that were handed in"
    names_sources: ClassVar[bool] = True

    kind: Literal["npy"] = "npy"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a folder with a pair of such files."""
        return path.is_dir() and bool(_pairs_of(path))

    def find(self, path: Path, name: str) -> Found:
        """Return the arrays of the files."""
        pairs = _pairs_of(path)
        parts = {part: _part(path, pair) for part, pair in pairs.items()}
        source, rows = path / _SOURCE, len(parts["train"].images)
        said = load_npy(source, kinds="iu", ndim=1) if source.exists() else None
        sources, source_names = rows_of_sources(said, _SOURCE, source, rows)
        train = parts["train"]
        read = [path / f"{key}.npy" for pair in pairs.values() for key in pair]
        return Found(
            name=name or path.name,
            words=f"arrays {', '.join(file.name for file in read)}",
            train=Part(train.images, train.labels, train.label_name, sources),
            test=parts.get("test"),
            validation=parts.get("validation"),
            classes=class_names(source),
            source_names=source_names,
            refused=beside(path, [*read, source]),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes without names."""
        rng = np.random.default_rng(0)
        np.save(folder / "x.npy", rng.integers(0, 256, (36, 12, 12, 3), np.uint8))
        np.save(folder / "y.npy", np.arange(36) % 3)
        return True


def _pairs_of(path: Path) -> dict[str, Pair]:
    """Return what the files of each split are called; none where there is no training split."""

    def first(known: tuple[Pair, ...]) -> Pair | None:
        there = (pair for pair in known if all((path / f"{key}.npy").is_file() for key in pair))
        return next(there, None)

    train, test, validation = first(_TRAIN), first(_TEST), first(_VALIDATION)
    if train is None:
        whole = first(_WHOLE)
        return {} if whole is None else {"train": whole}
    if test is None:
        test, validation = validation, None
    found = {"train": train, "test": test, "validation": validation}
    return {part: pair for part, pair in found.items() if pair is not None}


def _part(path: Path, pair: Pair) -> Part:
    x, y = (path / f"{key}.npy" for key in pair)
    images, labels = load_npy(x, mmap=True), load_npy(y, kinds="biufUS")
    return Part(Stored(x.name, images.shape, images.dtype, lambda: images), labels, y.name)
