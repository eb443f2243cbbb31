"""The folder that Screen leaves: what every detector says of every row, and which rows are kept.

keep.npy       bool[N]         rows that no detector flagged
scores.npy     float64[D, N]   one row a detector, in the order of the config
flagged.npy    bool[D, N]
rows.csv       the same as a table, for people and their tools: a line a row of the training set
report.json    each detector's name, settings, threshold and notes
notices.json   what a detector could not look for, if there is any
manifest.json  commits the folder
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.errors import BadInput, BoomerangError, IntegrityError
from boomerang.formats.notices import Notice, write_notices
from boomerang.manifest import Bools, Manifest, commit, committing, verify_folder
from boomerang.safeio import load_json, load_npy, write_json_atomic

KIND = "screen"
KEEP, SCORES, FLAGGED, REPORT = "keep.npy", "scores.npy", "flagged.npy", "report.json"
TABLE = "rows.csv"

# The kinds of the entries that are no detectors: filters that were told the truth (`processing.control`).
RANDOM_FILTER, PERFECT_FILTER = "random_filter", "perfect_filter"
CONTROLS = frozenset({RANDOM_FILTER, PERFECT_FILTER})

_AGAIN = "screen the training set again"


class DetectorEntry(Strict):
    """What `report.json` says of one detector; row k of `scores` and `flagged` is the k-th entry's.

    Attributes
    ----------
    name : str
        Of its own in this screen; of several of a kind the second is `kind-2`.
    kind, title, source : str
        Which detector it is, what people call it, and who published it.
    settings : mapping
        All of them, also those that the config left to their defaults.
    flagged : int
        Rows that it flagged.
    threshold : float or None
        The score above which a row is flagged, where one threshold holds for all rows.
    stated_fpr : float or None
        The share of clean rows that it promises to flag at most, where it promises one.
    notes : mapping
        What it found, as plain JSON.
    """

    name: str
    kind: str
    title: str
    source: str
    settings: dict[str, Any]
    flagged: int = Field(ge=0)
    threshold: float | None
    stated_fpr: float | None = None
    notes: dict[str, Any]


class _Report(Strict):
    """The whole of `report.json`."""

    format: Literal[1] = 1
    rows: int = Field(ge=0)
    kept: int = Field(ge=0)
    detectors: tuple[DetectorEntry, ...]


@dataclass(frozen=True)
class Screened:
    """What all detectors say together.

    Attributes
    ----------
    keep : bool[N]
        Rows that no detector flagged.
    scores : float64[D, N]
        Higher is more suspicious; finite. Scales differ between detectors.
    flagged : bool[D, N]
    detectors : tuple of DetectorEntry
        D of them.
    notices : tuple of Notice
        What a detector could not look for; written beside the rest, and not read back.
    """

    keep: Bools
    scores: npt.NDArray[np.float64]
    flagged: Bools
    detectors: tuple[DetectorEntry, ...] = ()
    notices: tuple[Notice, ...] = ()


def write_screen(path: Path, screened: Screened, manifest: Manifest) -> Manifest:
    """Write the folder in one piece and return its manifest, complete.

    Parameters
    ----------
    path : Path
    screened : Screened
    manifest : Manifest
        What it says of files and of the kind is filled in.
    """
    kept, rows = int(screened.keep.sum()), len(screened.keep)
    report = _Report(rows=rows, kept=kept, detectors=screened.detectors)
    with committing(path) as scratch:
        np.save(scratch / KEEP, screened.keep, allow_pickle=False)
        np.save(scratch / SCORES, screened.scores, allow_pickle=False)
        np.save(scratch / FLAGGED, screened.flagged, allow_pickle=False)
        _write_table(scratch / TABLE, screened)
        write_json_atomic(scratch / REPORT, report.model_dump(mode="json"))
        write_notices(scratch, screened.notices)
        return commit(scratch, manifest.model_copy(update={"kind": KIND}))


def _write_table(path: Path, screened: Screened) -> None:
    """Write as CSV what is said of each row: its number, from 0, if it is kept, and each detector's word."""
    names = [detector.name for detector in screened.detectors]
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            ["row", "kept", *(f"{name} {what}" for name in names for what in ("score", "flagged"))]
        )
        for row, kept in enumerate(screened.keep.tolist()):
            said = zip(screened.scores[:, row].tolist(), screened.flagged[:, row].tolist(), strict=True)
            table.writerow(
                [row, int(kept), *(cell for score, flag in said for cell in (f"{score:.9g}", int(flag)))]
            )


def open_screen(folder: Path, rows: int | None = None) -> Screened:
    """Verify the folder and read it.

    Parameters
    ----------
    folder : Path
    rows : int, optional
        How many rows the training set has that it must be of.

    Raises
    ------
    IntegrityError
        If a file is not what was made, or the files do not fit each other.
    BadInput
        If it is the screen of a set of another size.
    """
    manifest = verify_folder(folder)
    if manifest.kind != KIND:
        why = f"its manifest says it is a {manifest.kind}"
        raise IntegrityError(f"{folder} is no screen", why, "give the output of Screen")
    report = _read_report(folder / REPORT)
    if rows not in (None, report.rows):
        why = f"{folder / KEEP} is of {report.rows} rows, the training set has {rows}"
        raise BadInput("the screen", why, "screen the same training set")
    count = len(report.detectors)
    scores = _array(folder / SCORES, np.dtype(np.float64), (count, report.rows))
    if not np.isfinite(scores).all():
        raise IntegrityError(f"{folder / SCORES}", "it holds scores that are not finite", _AGAIN)
    return Screened(
        keep=_array(folder / KEEP, np.dtype(np.bool_), (report.rows,)),
        scores=scores,
        flagged=_array(folder / FLAGGED, np.dtype(np.bool_), (count, report.rows)),
        detectors=report.detectors,
    )


def _read_report(path: Path) -> _Report:
    try:
        return validate(_Report, load_json(path), where=REPORT)
    except BoomerangError as error:
        raise IntegrityError(f"{path} cannot be read", str(error), _AGAIN) from error


def _array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    try:
        array = load_npy(path)
    except BadInput as error:
        raise IntegrityError(f"{path} cannot be read", error.why, _AGAIN) from error
    if array.dtype != dtype or array.shape != shape:
        why = f"it holds {array.dtype}{list(array.shape)}, {REPORT} says {dtype}{list(shape)}"
        raise IntegrityError(f"{path} does not fit the screen", why, _AGAIN)
    return array
