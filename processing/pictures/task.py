"""Resizing pictures, as a task: an item is a file, and gives a row or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from boomerang.manifest import Bools
from boomerang.safeio import WHITE, quiet_decoders
from processing.pictures.decoding import PictureSource, Refused, Taken, take_all, threads
from processing.pictures.gray import luma
from processing.pictures.padded import Settings, Size
from processing.pictures.picture_folder import ResizeReport, write_folder
from processing.sharing.tasks import Piece, Task

_AT_ONCE = 1_000


def resizing(name: str, files: Sequence[Path], root: Path, size: Size, channels: int = 3) -> Task:
    """Return the task of resizing pictures to uint8[*size, channels], 0..255.

    Its notes say of each file what it was, or why it was refused; see `processing.pictures.decoding`.

    Parameters
    ----------
    name : str
    files : sequence of Path
        One or more, below `root`.
    root : Path
        A link that leads out of it is refused.
    size : (int, int)
        Height and width.
    channels : int
        3, or 1 for their gray.
    """

    def make(start: int, stop: int) -> Piece:
        piece = _resize(files[start:stop], root, size)
        return piece if channels == 3 else Piece(luma(piece.rows), piece.notes)

    return Task(name, len(files), make, at_once=_AT_ONCE)


def _resize(files: Sequence[Path], root: Path, size: Size) -> Piece:
    with quiet_decoders():
        results = list(take_all(files, root, _settings(size), threads()))
    taken = [result.pixels for result in results if isinstance(result, Taken)]
    rows = np.array(taken, np.uint8).reshape(-1, *size, 3)
    return Piece(rows, [r.source.record if isinstance(r, Taken) else asdict(r) for r in results])


def write_resized(piece: Piece, folder: Path, out: Path, size: Size) -> ResizeReport:
    """Write to `out` what `processing.pictures.resize_folder.resize_folder` writes, from pictures that are
    resized.

    Raises
    ------
    BadInput
        If no file of the folder is a usable picture.
    """
    return write_folder(folder, out, _results(piece), _settings(size))


def is_taken(piece: Piece) -> Bools:
    """Return bool[N], which of the files gave a row."""
    return np.array(["reason" not in note for note in piece.notes], bool)


def unread(piece: Piece) -> list[dict[str, str]]:
    """Return what of the files was not taken, in order: whole files, or their further frames and pages."""
    found = []
    for note in piece.notes:
        if "reason" in note:
            found.append({"name": note["name"], "reason": note["reason"]})
        elif note.get("several"):
            found.append({"name": note["name"], "reason": "of its frames or pages the first is taken"})
    return found


def _results(piece: Piece) -> Iterator[Taken | Refused]:
    """Give what was found of each file, as it was before it became rows and notes."""
    rows = iter(piece.rows)
    for note in piece.notes:
        refused = "reason" in note
        yield Refused(**note) if refused else Taken(PictureSource(**note), next(rows))


def _settings(size: Size) -> Settings:
    return Settings(size, WHITE, "lanczos", "png")
