"""What lies beside a file of arrays: names of its classes and sources, and what is not read."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from boomerang.errors import BadInput
from boomerang.manifest import Rows
from boomerang.safeio import display_name, first_bytes, load_json
from processing.datasets.common.foreign.labels import Raw, composed
from processing.datasets.common.survey import Refusals

CLASSES, SOURCES = "classes.json", "sources.json"
# What belongs to a file that is given by itself, and goes with it wherever it is read.
COMPANIONS = (CLASSES, SOURCES)
_MOST_SOURCES = 100_000
_MOST_SEEN = 1 << 40


def only_file(path: Path, pattern: str) -> Path | None:
    """Return the one file of a folder that a pattern matches, or a file itself; None where there is none.

    A file that was given by its name counts whatever its ending: its content says what it is.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    found = [file for file in path.glob(pattern) if file.is_file() and not file.name.startswith(".")]
    return found[0] if len(found) == 1 else None


def starts_with(file: Path, start: bytes | tuple[bytes, ...]) -> bool:
    """Whether the first bytes of a file, at most eight, are those; False for what cannot be read."""
    try:
        return first_bytes(file, _MOST_SEEN).startswith(start)
    except BadInput:
        return False


def beside(path: Path, read: Collection[Path]) -> Refusals:
    """Return what lies in a folder of arrays beside those files that are read, as left out."""
    if not path.is_dir():
        return ()
    read = {*read, *(path / name for name in COMPANIONS)}
    names = sorted(display_name(entry.name) for entry in path.iterdir() if entry not in read)
    used = ", ".join(sorted(entry.name for entry in read if entry.exists()))
    return tuple({"name": name, "reason": f"of this folder {used} is read"} for name in names)


def class_names(file: Path) -> tuple[str, ...] | None:
    """Return the names of the classes that `classes.json` beside a file has; None where there is none."""
    names = _names(file, CLASSES)
    return None if names is None else tuple(composed(name) for name in names)


def rows_of_sources(
    found: Raw | None, what: str, file: Path, rows: int
) -> tuple[Rows | None, tuple[str, ...]]:
    """Return int64[rows], who delivered each row, and their names; None and no name where nothing says it.

    Parameters
    ----------
    found : array or None
        As it lies in the file.
    what : str
        What it is called in errors.
    file : Path
        Beside which `sources.json` may name them.
    rows : int

    Raises
    ------
    BadInput
        If it is not one integer a row, or a source has no name of its own.
    """
    if found is None:
        return None, ()
    if found.dtype.kind not in "iu" or found.shape != (rows,):
        why = f"it is {found.dtype}{list(found.shape)} for {rows} rows"
        raise BadInput(what, why, "give one integer for each row")
    sources, low, high = found.astype(np.int64), int(found.min()), int(found.max())
    if low < -1 or high >= _MOST_SOURCES:
        why = f"one is {low if low < -1 else high:,}, and there may be {_MOST_SOURCES:,} sources"
        raise BadInput(what, why, "number the sources from 0, -1 is none")
    names = _names(file, SOURCES) or tuple(str(number) for number in range(high + 1))
    if not names:
        return None, ()
    if len({name.strip() for name in names} - {""}) < max(len(names), high + 1):
        why = f"it does not name each of {max(len(names), high + 1)} sources otherwise"
        raise BadInput(SOURCES, why, "name every source, and each otherwise")
    return sources, names


def _names(file: Path, name: str) -> tuple[str, ...] | None:
    """Return what a file of names beside another says; None where there is none."""
    beside_it = file.parent / name
    if not os.path.lexists(beside_it):
        return None
    names = load_json(beside_it)
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise BadInput(name, "it is no list of names", 'write ["cat", "dog"]')
    return tuple(names)
