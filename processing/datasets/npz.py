"""One's own arrays, from files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.manifest import Rows
from boomerang.safeio import load_json, load_npy, load_npz, npz_shapes
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
_SOURCE, _SOURCE_FILE = "source_train", "source.npy"
_CLASSES, _SOURCES = "classes.json", "sources.json"
_MOST_SOURCES = 100_000


class Npz(Source):
    """One's own arrays: an `.npz` of Keras' layout, or a pair `x.npy` and `y.npy`.

    Images of either are never in memory as a whole: those of a pair are read where they lie, those of an
    `.npz` are unpacked to the disk first. A file `classes.json` beside them, a list of names, names the
    classes; without it they are numbers. A pair has a fifth of each class held out as the test set.

    Who delivered the rows may be said by integers, one a row, -1 for nobody: by an array `source_train` of an
    `.npz`, or a file `source.npy` beside a pair. A file `sources.json`, a list of names, names the sources;
    without it they are numbers.
    """

    title: ClassVar[str] = "arrays from a file"
    words: ClassVar[str] = "images from a file that was handed in"
    needs_path: ClassVar[bool] = True
    names_sources: ClassVar[bool] = True

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
            file = only_file(path, ".npz")
            look_at_npz(file, _class_names(path))
            _sources(path, npz_shapes(file)["x_train"][1][0])

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes without names."""
        write_npz(folder / "mine.npz", (12, 12, 3), 3)
        return True


def _load(path: Path, seed: int) -> Corpus:
    if not _is_pair(path):
        file = only_file(path, ".npz")
        corpus = from_npz(file, file.stem, _class_names(path), [_SOURCE])
        sources, source_names = _sources(path, len(corpus.train))
        return replace(corpus, train=replace(corpus.train, sources=sources), source_names=source_names)
    whole, names, source_names = _pair(path)
    train, test = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
    return Corpus(path.name, names, whole.take(train), whole.take(test), source_names=source_names)


def _sources(path: Path, rows: int) -> tuple[Rows | None, tuple[str, ...]]:
    """Return int64[rows], who delivered each row, and their names; None and no name where nothing says it."""
    if _is_pair(path):
        file, what = path / _SOURCE_FILE, _SOURCE_FILE
        found = load_npy(file, kinds="iu", ndim=1) if os.path.lexists(file) else None
    else:
        file, what = only_file(path, ".npz"), _SOURCE
        found = load_npz(file, only=[_SOURCE]).get(_SOURCE)
    if found is None:
        return None, ()
    if found.dtype.kind not in "iu" or found.shape != (rows,):
        why = f"it is {found.dtype}{list(found.shape)} for {rows} rows"
        raise BadInput(f"{what} of {path.name}", why, "give one integer for each row")
    sources, low, high = found.astype(np.int64), int(found.min()), int(found.max())
    if low < -1 or high >= _MOST_SOURCES:
        why = f"one is {low if low < -1 else high:,}, and there may be {_MOST_SOURCES:,} sources"
        raise BadInput(f"{what} of {path.name}", why, "number the sources from 0, -1 is none")
    names = _names(path, _SOURCES) or tuple(str(number) for number in range(high + 1))
    if not names:
        return None, ()
    if len({name.strip() for name in names} - {""}) < max(len(names), high + 1):
        why = f"it does not name each of {max(len(names), high + 1)} sources otherwise"
        raise BadInput(_SOURCES, why, "name every source, and each otherwise")
    return sources, names


def _unread(path: Path) -> tuple[dict[str, str], ...]:
    """Return what lies beside the arrays and is not read."""
    pair = [path / name for name in _PAIR]
    read = [*pair, path / _SOURCE_FILE] if _is_pair(path) else [only_file(path, ".npz")]
    return beside(path, [*read, path / _CLASSES, path / _SOURCES])


def _is_pair(path: Path) -> bool:
    return os.path.lexists(path / _PAIR[0])


def _pair(path: Path) -> tuple[Split, tuple[str, ...], tuple[str, ...]]:
    """Return the arrays of a pair, the images not read yet, their classes and the names of their sources."""
    x, y = load_npy(path / _PAIR[0], kinds="u", mmap=True), load_npy(path / _PAIR[1], kinds="iu")
    whole = as_split(x, y, path.name, _PAIR)
    names = _class_names(path) or numbered(whole.y)
    check_class_names(names, path.name)
    check_labels(whole.y, f"{_PAIR[1]} of {path.name}", names)
    sources, source_names = _sources(path, len(whole))
    return replace(whole, sources=sources), names, source_names


def _class_names(path: Path) -> tuple[str, ...] | None:
    names = _names(path, _CLASSES)
    if names is not None:
        check_class_names(names, _CLASSES)
    return names


def _names(path: Path, name: str) -> tuple[str, ...] | None:
    """Return what a file of names beside the arrays says; None where there is none."""
    file = path / name
    if path.is_file() or not os.path.lexists(file):
        return None
    names = load_json(file)
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise BadInput(file.name, "it is no list of names", 'write ["cat", "dog"]')
    return tuple(names)
