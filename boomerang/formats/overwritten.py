"""The folder `overwritten` of a truth: what Poison has overwritten, with which it is undone.

replaced.npy  int64[R]           the rows of the clean training set that were replaced
y.npy         int64[R]           their labels before
changed.npy   int64[B]           those of them whose image was changed, too
x.npy         uint8[B, H, W, C]  the images of these before
clean.json    the manifest of the clean training set

Rows are in ascending order. The folder of the truth commits it. It takes the room of the images of B rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.blocks import let_go, new_array, rows_at_once, slices
from boomerang.config import validate
from boomerang.errors import IntegrityError
from boomerang.manifest import Dataset, Images, Labels, Manifest, Rows
from boomerang.safeio import load_json, load_npy, write_json_atomic

OVERWRITTEN = "overwritten"

_CLEAN_FILE, _X_FILE = "clean.json", "x.npy"
_COLUMNS = ("replaced", "y", "changed")
# Rows that are picked before what was read is let go of: the system maps up to 2 MB around each.
_PICKED = 128
_DO = "give the folder that Poison has made"


@dataclass(frozen=True)
class Overwritten:
    """What was overwritten, row by row.

    Attributes
    ----------
    replaced : int64[R]
    y : int64[R]
    changed : int64[B]
    x : uint8[B, H, W, C], 0..255
        Mapped.
    clean : Manifest
        Of the clean training set.
    """

    replaced: Rows
    y: Labels
    changed: Rows
    x: Images
    clean: Manifest


def write_overwritten(path: Path, replaced: Rows, changed: Rows, clean: Dataset) -> None:
    """Write the folder into one that is committed afterwards, its images a block at a time.

    Parameters
    ----------
    path : Path
        A new folder.
    replaced, changed : int64[R], int64[B]
        In ascending order.
    clean : Dataset
        The clean training set.
    """
    path.mkdir()
    columns = {"replaced": replaced, "y": clean.y[replaced], "changed": changed}
    for name, column in columns.items():
        np.save(path / f"{name}.npy", column, allow_pickle=False)
    x = new_array(path / _X_FILE, np.dtype(np.uint8), (len(changed), *clean.x.shape[1:]))
    for part in slices(len(changed), min(_PICKED, rows_at_once(x))):
        x[part] = clean.x[changed[part]]
        let_go(clean.x)
        let_go(x)
    if isinstance(x, np.memmap):
        x.flush()
    write_json_atomic(path / _CLEAN_FILE, clean.manifest.model_dump(mode="json"))


def load_overwritten(path: Path) -> Overwritten:
    """Return what `write_overwritten` wrote, from a folder that was verified.

    Raises
    ------
    IntegrityError
        If its parts are not what they should be, or do not fit together.
    BadInput, ConfigError
        If a file is missing or malformed.
    """
    columns = {name: load_npy(path / f"{name}.npy", kinds="i", ndim=1) for name in _COLUMNS}
    found = Overwritten(
        **columns,
        x=load_npy(path / _X_FILE, kinds="u", ndim=4, mmap=True),
        clean=validate(Manifest, load_json(path / _CLEAN_FILE), where=_CLEAN_FILE),
    )
    if why := _misfit(found):
        raise IntegrityError(f"{path} cannot be read", why, _DO)
    return found


def _misfit(found: Overwritten) -> str:
    """Return what does not fit together; nothing if all does."""
    rows = found.clean.shape[0] if len(found.clean.shape) == 4 else -1
    if found.y.shape != found.replaced.shape or not _ascending(found.replaced, rows):
        return "the rows that were replaced do not fit"
    if not (_ascending(found.changed, rows) and np.isin(found.changed, found.replaced).all()):
        return "the rows whose images were changed do not fit"
    if found.x.dtype != np.uint8 or found.x.shape != (len(found.changed), *found.clean.shape[1:]):
        return f"its images are {found.x.dtype}{list(found.x.shape)}"
    return ""


def _ascending(rows: Any, end: int) -> bool:
    return not len(rows) or bool(rows[0] >= 0 and rows[-1] < end and (np.diff(rows) > 0).all())
