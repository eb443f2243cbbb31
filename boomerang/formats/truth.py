"""The folder `truth`: what was done to each row of a poisoned training set, for Evaluate and who attacks.

attack_of.npy   int8[N]
y_true.npy      int64[N]
origin.npy      int64[N]
stands_for.npy  int64[N]
audit.json      per attack what was done
overwritten/    what an attack has overwritten; see `boomerang.formats.overwritten`
manifest.json   commits the folder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import IntegrityError
from boomerang.formats.overwritten import OVERWRITTEN, write_overwritten
from boomerang.manifest import Dataset, Labels, Manifest, Rows, commit, committing, verify_folder
from boomerang.safeio import load_json, load_npy, write_json_atomic

TRUTH = "truth"
AUDIT_FILE = "audit.json"

# The columns, each a file and an attribute, and their dtypes.
_COLUMNS = {"attack_of": np.int8, "y_true": np.int64, "origin": np.int64, "stands_for": np.int64}


@dataclass(frozen=True)
class Truth:
    """The truth about a poisoned training set, row by row.

    Attributes
    ----------
    attack_of : int8[N]
        0 for a clean row, k for one of the recipe's k-th attack.
    y_true : int64[N]
        The labels that would be right.
    origin : int64[N]
        The row of the clean training set that the image was made from; -1 if it came from outside.
    stands_for : int64[N]
        The row of the clean training set that it is, or has replaced; -1 if it was appended.
    audit : mapping
        Per attack what was done, as plain JSON.
    """

    attack_of: npt.NDArray[np.int8]
    y_true: Labels
    origin: Rows
    stands_for: Rows
    audit: dict[str, Any]

    @property
    def replaced(self) -> Rows:
        """int64[R], the rows of the clean training set that were replaced, in ascending order."""
        return np.sort(self.stands_for[(self.attack_of > 0) & (self.stands_for >= 0)])


def write_truth(path: Path, truth: Truth, changed: Rows, clean: Dataset, manifest: Manifest) -> None:
    """Write the folder in one piece.

    Parameters
    ----------
    path : Path
    truth : Truth
    changed : int64[B]
        Those of the replaced rows whose image was changed, too, in ascending order.
    clean : Dataset
        The training set before it was poisoned.
    manifest : Manifest
        What the folder's manifest says beyond its files; of whatever kind, it becomes one of truth.
    """
    with committing(path) as scratch:
        for name in _COLUMNS:
            np.save(_column(scratch, name), getattr(truth, name), allow_pickle=False)
        write_json_atomic(scratch / AUDIT_FILE, truth.audit)
        write_overwritten(scratch / OVERWRITTEN, truth.replaced, changed, clean)
        commit(scratch, manifest.model_copy(update={"kind": TRUTH}))


def load_truth(path: Path) -> Truth:
    """Verify the folder and return what `write_truth` wrote.

    Raises
    ------
    IntegrityError
        If a file is not what the manifest says, the folder is of another kind, or its columns are not what
        they should be.
    """
    if verify_folder(path).kind != TRUTH:
        raise IntegrityError(f"{path} holds no truth", "its manifest is of another kind", _DO)
    columns = {name: load_npy(_column(path, name), kinds="i", ndim=1) for name in _COLUMNS}
    if len({len(column) for column in columns.values()}) > 1:
        raise IntegrityError(f"{path} cannot be read", "its columns differ in length", _DO)
    if any(columns[name].dtype != dtype for name, dtype in _COLUMNS.items()):
        raise IntegrityError(f"{path} cannot be read", "a column is of another dtype", _DO)
    return Truth(**columns, audit=load_json(path / AUDIT_FILE))


_DO = "give the folder that Poison has made"


def _column(folder: Path, name: str) -> Path:
    return folder / f"{name}.npy"
