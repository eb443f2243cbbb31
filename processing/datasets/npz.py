"""One's own arrays, from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import load_json, load_npy
from processing.datasets.common.base import Blueprint, Corpus, Request, Source, as_split, held_out, sliced
from processing.datasets.common.keras_files import beside, from_npz, only_file, write_npz

_TEST_SHARE = 0.2
_CLASSES = "classes.json"


class Npz(Source):
    """One's own arrays: an `.npz` of Keras' layout, or a pair `x.npy` and `y.npy`.

    A file `classes.json` beside them, a list of names, names the classes; without it they are numbers. A pair
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

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes without names."""
        write_npz(folder / "mine.npz", (12, 12, 3), 3)
        return True


def _load(path: Path, seed: int) -> Corpus:
    classes = _class_names(path)
    if not (path / "x.npy").exists():
        file = only_file(path, ".npz")
        return from_npz(file, file.stem, classes)
    whole = as_split(load_npy(path / "x.npy", kinds="u"), load_npy(path / "y.npy", kinds="iu"), path.name)
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    names = classes or tuple(str(k) for k in range(int(whole.y.max()) + 1))
    return Corpus(path.name, names, whole.take(train), whole.take(test))


def _unread(path: Path) -> tuple[dict[str, str], ...]:
    """Return what lies beside the arrays and is not read."""
    pair = [path / "x.npy", path / "y.npy"]
    return beside(path, [*(pair if pair[0].exists() else [only_file(path, ".npz")]), path / _CLASSES])


def _class_names(path: Path) -> tuple[str, ...] | None:
    file = path / _CLASSES
    if not file.exists():
        return None
    names = load_json(file)
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(file.name, "it is no list of names", 'write ["cat", "dog"]')
    return tuple(names)
