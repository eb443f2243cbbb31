"""One's own arrays in one `.npz` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import ZIP, display_name, load_npz, npz_shapes
from processing.datasets.common.examples import write_npz
from processing.datasets.common.foreign.arrays import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import (
    beside,
    class_names,
    only_file,
    rows_of_sources,
    starts_with,
)
from processing.datasets.common.foreign.pixels import Stored

# What the arrays of a split are called: by Keras, by MedMNIST, and by people.
_PAIRS = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("X_train", "y_train")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), ("X_test", "y_test")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels"), ("X_val", "y_val")),
}
_WHOLE = (
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "label"),
    ("data", "target"),
)
_SOURCE = "source_train"


class Npz(ArraySource):
    """One's own arrays in an `.npz` file, under the names of Keras, of MedMNIST, or plainly x and y.

    Those are `x_train, y_train, x_test, y_test` with or without `x_val, y_val`; `train_images, train_labels`
    and so on; or one pair `x, y` or `images, labels`, of which a fifth of each class is held out as the test
    set. Images are unpacked to the disk and never in memory as a whole; labels are numbers, texts or one-hot.
    What can be brought to uint8[N, H, W, C] without a loss is. A file `classes.json` beside it, a list of
    names, names the classes; without it numbers name themselves.

    Who delivered the training rows may be said by an array `source_train` of integers, -1 for nobody. A file
    `sources.json`, a list of names, names the sources; without it they are numbers.
    """

    title: ClassVar[str] = "arrays in an .npz file"
    words: ClassVar[str] = "images from a file that was handed in"
    names_sources: ClassVar[bool] = True

    kind: Literal["npz"] = "npz"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a zip file called `.npz`, or a folder with one such file."""
        file = only_file(path, "*.npz")
        return file is not None and starts_with(file, ZIP)

    def find(self, path: Path, name: str) -> Found:
        """Return the arrays of the file."""
        file = only_file(path, "*.npz") or path
        shapes = npz_shapes(file, kinds="biufUS")
        pairs = _pairs_of(shapes, file)
        labels = load_npz(file, only=[*(y for _, y in pairs.values()), _SOURCE], kinds="biufUS")
        stored = {
            part: Part(_stored(file, x, shapes[x]), labels[y], f"{y} of {file.name}")
            for part, (x, y) in pairs.items()
        }
        rows = len(stored["train"].images)
        sources, source_names = rows_of_sources(labels.get(_SOURCE), f"{_SOURCE} of {file.name}", file, rows)
        train = Part(stored["train"].images, labels[pairs["train"][1]], stored["train"].label_name, sources)
        read = [key for pair in pairs.values() for key in pair]
        unread = sorted(display_name(key) for key in shapes.keys() - {*read, _SOURCE})
        why = f"of its arrays {', '.join(read)} are read"
        return Found(
            name=name or file.stem,
            words=f"an .npz file with {', '.join(read)}",
            train=train,
            test=stored.get("test"),
            validation=stored.get("validation"),
            classes=class_names(file),
            source_names=source_names,
            refused=(
                *({"name": f"{display_name(file.name)}: {key}", "reason": why} for key in unread),
                *beside(path, [file]),
            ),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes without names."""
        write_npz(folder / "mine.npz", (12, 12, 3), 3)
        return True


def _pairs_of(shapes: dict[str, Any], file: Path) -> dict[str, tuple[str, str]]:
    """Return what the arrays of each split are called."""
    found = {part: pair for part, known in _PAIRS.items() for pair in known[::-1] if {*pair} <= shapes.keys()}
    if "train" in found:
        if "test" not in found and "validation" in found:
            return {"train": found["train"], "test": found["validation"]}
        return found
    whole = [pair for pair in _WHOLE if {*pair} <= shapes.keys()]
    if not found and whole:
        return {"train": whole[0]}
    why = f"x_train, y_train missing; it has {', '.join(map(display_name, sorted(shapes)))}"
    raise BadInput(
        display_name(file.name), why, "save it with x_train, y_train, x_test, y_test, or with x, y"
    )


def _stored(file: Path, key: str, header: tuple[np.dtype[Any], tuple[int, ...]]) -> Stored:
    dtype, shape = header
    return Stored(f"{key} of {file.name}", shape, dtype, lambda: load_npz(file, only=[key], mmap=True)[key])
