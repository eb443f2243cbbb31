"""Datasets in Keras' `.npz` layout: from a file that was handed in, or downloaded once by Keras."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.safeio import display_name, load_npz, npz_shapes
from processing.datasets.common.base import Corpus, as_split
from processing.datasets.common.fitting import (
    check_class_names,
    check_differ,
    check_fit,
    check_images,
    check_labels,
)

_PAIRS = (("x_train", "y_train"), ("x_test", "y_test"))
_KEYS = tuple(name for pair in _PAIRS for name in pair)


def only_file(folder: Path, suffix: str) -> Path:
    """Return the one file of that ending in a folder (or the file itself).

    Raises
    ------
    BadInput
        If there is none, or more than one.
    """
    if folder.is_file():
        return folder
    found = sorted(folder.glob(f"*{suffix}"))
    if len(found) != 1:
        why = f"it holds {len(found)} {suffix} files"
        raise BadInput(f"the data source {folder.name}", why, f"give a folder with one {suffix} file")
    return found[0]


def beside(folder: Path, read: Collection[Path]) -> tuple[dict[str, str], ...]:
    """Return what lies in a folder of arrays beside those files that are read, as left out."""
    if not folder.is_dir():
        return ()
    names = sorted(display_name(path.name) for path in folder.iterdir() if path not in read)
    used = ", ".join(sorted(path.name for path in read if path.exists()))
    return tuple({"name": name, "reason": f"of this folder {used} is read"} for name in names)


def from_npz(path: Path, name: str, classes: tuple[str, ...] | None, also: Collection[str] = ()) -> Corpus:
    """Read `x_train, y_train, x_test, y_test` from an `.npz` file.

    Parameters
    ----------
    path : Path
    name : str
    classes : tuple of str or None
        None names the classes by their numbers.
    also : collection of str
        Further arrays of the file that are read elsewhere.

    Raises
    ------
    BadInput
        If an array is missing or of another kind.
    """
    classes = look_at_npz(path, classes)
    arrays = load_npz(path, only=_KEYS, mmap=True)
    check_differ(arrays["x_train"], f"x_train of {path.name}")
    train, test = (as_split(arrays[x], arrays[y], path.name, (x, y)) for x, y in _PAIRS)
    further = sorted(display_name(key) for key in npz_shapes(path).keys() - {*_KEYS, *also})
    why = f"of its arrays {', '.join(_KEYS)} are read"
    refused = tuple({"name": f"{display_name(path.name)}: {key}", "reason": why} for key in further)
    return Corpus(name, classes, train, test, refused)


def look_at_npz(path: Path, classes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Hold the arrays of such a file against each other, and return the classes; no image is read.

    Raises
    ------
    BadInput
        As `from_npz` does.
    """
    shapes = npz_shapes(path)
    missing = [key for key in _KEYS if key not in shapes]
    if missing:
        why = f"{', '.join(missing)} missing; it has {', '.join(map(display_name, sorted(shapes)))}"
        raise BadInput(display_name(path.name), why, f"save it with {', '.join(_KEYS)}")
    labels = load_npz(path, only=[y for _, y in _PAIRS])
    for x, y in _PAIRS:
        check_images(*shapes[x], labels[y], path.name, (x, y))
    train, test = (_with_channel(shapes[x][1]) for x, _ in _PAIRS)
    check_fit(train, test, path.name)
    names = classes or numbered(*labels.values())
    check_class_names(names, path.name)
    for name, values in labels.items():
        check_labels(values, f"{name} of {path.name}", names)
    return names


def _with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) == 4 else (*shape, 1)


def numbered(*labels: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return the numbers of the classes as their names."""
    return tuple(str(k) for k in range(max(int(y.max()) for y in labels) + 1))


def from_keras(load: Callable[[], Any], name: str, classes: tuple[str, ...]) -> Corpus:
    """Download through `keras.datasets`, whose cache keeps the file.

    Raises
    ------
    BadInput
        If the download fails.
    """
    try:
        (x_train, y_train), (x_test, y_test) = load()
    except Exception as error:
        # Keras raises a bare Exception where the network fails.
        do = f"download it elsewhere and set data.path to an .npz with {', '.join(_KEYS)}"
        raise BadInput(f"the download of {name}", str(error), do) from error
    train = as_split(x_train, y_train, name, _PAIRS[0])
    test = as_split(x_test, y_test, name, _PAIRS[1])
    return Corpus(name, classes, train, test)


def write_npz(path: Path, shape: tuple[int, ...], classes: int) -> None:
    """Write a small file of that layout: eight noise images a class to train on, four to test on.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        (H, W) or (H, W, C) of an image.
    classes : int
    """
    rng = np.random.default_rng(0)
    rows = {"train": 8 * classes, "test": 4 * classes}
    arrays = {f"x_{part}": rng.integers(0, 256, (n, *shape), np.uint8) for part, n in rows.items()}
    np.savez(path, **arrays, **{f"y_{part}": np.arange(n) % classes for part, n in rows.items()})
