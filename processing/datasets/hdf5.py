"""Images and labels in HDF5 files, as the BadNets laboratories have them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import HDF5, H5Array, display_name, h5_arrays
from processing.datasets.common.foreign.array_source import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import beside, class_names, starts_with
from processing.datasets.common.foreign.image_forms import Stored
from processing.datasets.common.foreign.naming import Pair, by_split, pairs_of

_ENDINGS = ("*.h5", "*.hdf5", "*.hdf")


class Hdf5(ArraySource):
    """Images and labels in HDF5 files: `data` and `label`, or any names that `npz` knows.

    One file holds all, or there is a file for each split, called train, test or valid; of the BadNets
    laboratories' pair the validation file is trained on. Images may have their channels first. Arrays are
    read in stretches from where they lie; links to other files, and what is packed with other code than
    HDF5's own, are not followed. A file `classes.json` beside them, a list of names, names the classes.
    """

    title: ClassVar[str] = "arrays in HDF5 files"
    words: ClassVar[str] = "images from files that were handed in"

    kind: Literal["hdf5"] = "hdf5"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is an HDF5 file, or a folder with such files."""
        files = _files(path)
        return bool(files) and all(starts_with(file, HDF5) for file in files)

    def find(self, path: Path, name: str) -> Found:
        """Return the arrays of the files."""
        files = {file.name: file for file in _files(path)}
        splits = by_split(list(files), display_name(path.name))
        read = {split: files[file] for split, file in splits.items()}
        if len(read) == 1:
            parts, notes = _of_one(read["train"]), []
        else:
            parts = {split: _of_one(file)["train"] for split, file in read.items()}
            notes = [f"{file.name} is the {split} split" for split, file in read.items()]
        return Found(
            name=name or (path.stem if path.is_file() else path.name),
            words=f"HDF5 with {', '.join(part.images.name for part in parts.values())}",
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            classes=class_names(read["train"]),
            notes=tuple(notes),
            refused=beside(path, list(read.values())),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes, channels first, as the laboratories' two files."""
        import h5py  # type: ignore[import-untyped]  # it ships none

        rng = np.random.default_rng(0)
        for name, rows in (("valid.h5", 24), ("test.h5", 12)):
            with h5py.File(folder / name, "w") as file:
                file.create_dataset("data", data=rng.integers(0, 256, (rows, 3, 12, 12)).astype(np.float64))
                file.create_dataset("label", data=(np.arange(rows) % 3).astype(np.float64))
        return True


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = {file for ending in _ENDINGS for file in path.glob(ending)} if path.is_dir() else set()
    return sorted(file for file in found if file.is_file() and not file.name.startswith("."))


def _of_one(file: Path) -> dict[str, Part]:
    """Return the splits of one file."""
    arrays = h5_arrays(file)
    pairs = pairs_of(arrays)
    if not pairs:
        why = f"it has {', '.join(map(display_name, sorted(arrays))) or 'no array of numbers'}"
        raise BadInput(display_name(file.name), why, "save its images as `data` and their labels as `label`")
    return {split: _part(file, arrays, pair) for split, pair in pairs.items()}


def _part(file: Path, arrays: dict[str, H5Array], pair: Pair) -> Part:
    images, labels = (arrays[key] for key in pair)
    stored = Stored(f"{pair[0]} of {file.name}", images.shape, images.dtype, lambda: images)
    return Part(stored, labels[:], f"{pair[1]} of {file.name}")
