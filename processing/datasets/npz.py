"""One's own arrays, from files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import load_json, load_npy
from processing.datasets.common.base import (
    Blueprint,
    Corpus,
    Request,
    Source,
    Split,
    as_split,
    held_out,
    sliced,
)
from processing.datasets.common.fitting import check_class_names, check_labels
from processing.datasets.common.keras_files import (
    beside,
    from_npz,
    look_at_npz,
    numbered,
    only_file,
    write_npz,
)

_TEST_SHARE = 0.2
_PAIR = ("x.npy", "y.npy")
_CLASSES = "classes.json"


class Npz(Source):
    """One's own arrays: an `.npz` of Keras' layout, or a pair `x.npy` and `y.npy`.

    Images of either are never in memory as a whole: those of a pair are read where they lie, those of an `.npz`
    are unpacked to the disk first. A file `classes.json` beside them, a list of names, names the classes; without it they are numbers. A pair
    has a fifth of each class held out as the test set.
    """

    title: ClassVar[str] = "arrays from a file"
    words: ClassVar[str] = "images from a file that was handed in"
    needs_path: ClassVar[bool] = True

    kind: Literal["npz"] = "npz"

    def blueprint(self, request: Request) -> Blueprint:
        """Return the arrays, their rows to be taken."""
        found = _load(request.needed_path, request.seed)
        return sliced(replace(found, refused=found.refused + _unread(request.needed_path)))

    def look(self, path: Path) -> None:
        """Look at the arrays' shapes, the labels and the names."""
        if _is_pair(path):
            _pair(path)
        else:
            look_at_npz(only_file(path, ".npz"), _class_names(path))

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes without names."""
        write_npz(folder / "mine.npz", (12, 12, 3), 3)
        return True


def _load(path: Path, seed: int) -> Corpus:
    if not _is_pair(path):
        file = only_file(path, ".npz")
        return from_npz(file, file.stem, _class_names(path))
    whole, names = _pair(path)
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    return Corpus(path.name, names, whole.take(train), whole.take(test))


def _unread(path: Path) -> tuple[dict[str, str], ...]:
    """Return what lies beside the arrays and is not read."""
    pair = [path / name for name in _PAIR]
    return beside(path, [*(pair if _is_pair(path) else [only_file(path, ".npz")]), path / _CLASSES])


def _is_pair(path: Path) -> bool:
    return os.path.lexists(path / _PAIR[0])


def _pair(path: Path) -> tuple[Split, tuple[str, ...]]:
    """Return the arrays of a pair, the images not read yet, and their classes."""
    x, y = load_npy(path / _PAIR[0], kinds="u", mmap=True), load_npy(path / _PAIR[1], kinds="iu")
    whole = as_split(x, y, path.name, _PAIR)
    names = _class_names(path) or numbered(whole.y)
    check_class_names(names, path.name)
    check_labels(whole.y, f"{_PAIR[1]} of {path.name}", names)
    return whole, names


def _class_names(path: Path) -> tuple[str, ...] | None:
    file = path / _CLASSES
    if path.is_file() or not os.path.lexists(file):
        return None
    names = load_json(file)
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(file.name, "it is no list of names", 'write ["cat", "dog"]')
    check_class_names(names, file.name)
    return tuple(names)
