"""The labeled images that `inspect` is given: clean ones, and ones with the trigger."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from boomerang.errors import BadInput
from boomerang.manifest import opened
from boomerang.safeio import HDF5, MAX_PAIR_BYTES, ZIP, display_name, first_bytes, load_h5_pair, load_npz
from training.labeled import Labeled

_DO = "give an .npz with x and y, an HDF5 file with data and label, or a dataset's folder"
_PAIR = ("x", "y")


def open_rows(path: Path, shape: tuple[int, int, int], classes: int, option: str) -> Labeled:
    """Return the rows of a file or a dataset's folder, fit for a model.

    Parameters
    ----------
    path : Path
        An `.npz` with `x`, uint8[N, H, W, C] (or [N, H, W], gray), and `y`, whole numbers; an HDF5 file with
        `data` and `label` (`boomerang.safeio.load_h5_pair`); or the folder of a committed dataset.
    shape : (int, int, int)
        (H, W, C) of the model's images.
    classes : int
        Labels are below it.
    option : str
        Where it was given, for errors.

    Raises
    ------
    BadInput
        If it is none of these, or does not fit the model.
    IntegrityError
        If a folder is not what its manifest says.
    """
    if path.is_dir():
        data = opened(path)
        rows = Labeled(data.x, data.y)
    else:
        start = first_bytes(path, MAX_PAIR_BYTES)
        if start.startswith(HDF5):
            rows = Labeled(*load_h5_pair(path, shape))
        elif start.startswith(ZIP):
            rows = _of_npz(path)
        else:
            raise BadInput(f"{option} {display_name(path)}", "it is neither of the two kinds of file", _DO)
    _check(rows, shape, classes, f"{option} {display_name(path)}")
    return rows


def _of_npz(path: Path) -> Labeled:
    found = load_npz(path, kinds="iu", only=_PAIR)
    if found.keys() != set(_PAIR):
        raise BadInput(display_name(path), "it has no arrays x and y of whole numbers", _DO)
    x, y = (found[name] for name in _PAIR)
    if x.dtype != np.uint8 or x.ndim not in (3, 4) or y.ndim != 1:
        why = f"x is {x.dtype}{list(x.shape)}, y {y.dtype}{list(y.shape)}"
        raise BadInput(display_name(path), why, "give uint8[N, H, W, C] and one whole number for each")
    return Labeled(x[..., None] if x.ndim == 3 else x, y.astype(np.int64))


def _check(rows: Labeled, shape: tuple[int, int, int], classes: int, what: str) -> None:
    if rows.x.shape[1:] != shape:
        why = f"its images are {rows.x.shape[1:]}, the model takes {shape}"
        raise BadInput(what, why, "give images of the model's size")
    if not len(rows.y) or len(rows.x) != len(rows.y):
        raise BadInput(what, f"it has {len(rows.x)} images and {len(rows.y)} labels", _DO)
    if rows.y.min() < 0 or rows.y.max() >= classes:
        why = f"its labels are {rows.y.min()}..{rows.y.max()}, the model has {classes} classes"
        raise BadInput(what, why, "give labels that are class numbers from 0 on")
