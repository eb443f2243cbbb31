"""Datasets in Keras' `.npz` layout: from a file that was handed in, or downloaded once by Keras."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import display_name, load_npz
from processing.datasets.common.base import Corpus, as_split

_KEYS = ("x_train", "y_train", "x_test", "y_test")


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


def from_npz(path: Path, name: str, classes: tuple[str, ...] | None) -> Corpus:
    """Read `x_train, y_train, x_test, y_test` from an `.npz` file.

    Parameters
    ----------
    path : Path
    name : str
    classes : tuple of str or None
        None names the classes by their numbers.

    Raises
    ------
    BadInput
        If an array is missing or of another kind.
    """
    arrays = load_npz(path)
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        why = f"{', '.join(missing)} missing; it has {', '.join(sorted(arrays)) or 'nothing'}"
        raise BadInput(path.name, why, f"save it with {', '.join(_KEYS)}")
    train = as_split(arrays["x_train"], arrays["y_train"], path.name)
    test = as_split(arrays["x_test"], arrays["y_test"], path.name)
    if classes is None:
        classes = tuple(str(k) for k in range(int(max(train.y.max(), test.y.max())) + 1))
    further = sorted(display_name(key) for key in arrays.keys() - set(_KEYS))
    why = f"of its arrays {', '.join(_KEYS)} are read"
    refused = tuple({"name": f"{display_name(path.name)}: {key}", "reason": why} for key in further)
    return Corpus(name, classes, train, test, refused)


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
    train, test = as_split(x_train, y_train, name), as_split(x_test, y_test, name)
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
