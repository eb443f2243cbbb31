"""Resizing the pictures of a folder, as a task: an item is a file, and gives a row or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from boomerang.manifest import Images
from boomerang.safeio import WHITE, quiet_decoders
from processing.pictures.decoding import PictureSource, Refused, Taken, none_left, take_all, threads
from processing.pictures.listing import listed
from processing.pictures.picture_folder import ResizeReport, write_folder
from processing.pictures.square import Settings
from processing.sharing.tasks import Piece, Task

_AT_ONCE = 1_000


def resizing(name: str, folder: Path, size_px: int) -> Task:
    """Return the task of resizing every picture of a folder to uint8[size_px, size_px, 3], 0..255.

    Its notes say of each file what it was, or why it was refused; see `processing.pictures.decoding`.

    Raises
    ------
    BadInput
        If there is no such folder, or nothing in it.
    """
    files = listed(folder)
    return Task(name, len(files), lambda start, stop: _resize(files[start:stop], size_px), at_once=_AT_ONCE)


def _resize(files: Sequence[Path], size_px: int) -> Piece:
    with quiet_decoders():
        results = list(take_all(files, _settings(size_px), threads()))
    taken = [result.pixels for result in results if isinstance(result, Taken)]
    rows = np.array(taken, np.uint8).reshape(-1, size_px, size_px, 3)
    return Piece(rows, [asdict(r.source if isinstance(r, Taken) else r) for r in results])


def resized(piece: Piece, folder: Path) -> tuple[Images, list[Refused]]:
    """Return what became of a folder: its pictures, uint8[N, size_px, size_px, 3], and what was refused.

    Raises
    ------
    BadInput
        If no file of the folder is a usable picture.
    """
    refused = [result for result in _results(piece) if isinstance(result, Refused)]
    if not len(piece.rows):
        raise none_left(folder, refused)
    return piece.rows, refused


def write_resized(piece: Piece, folder: Path, out: Path, size_px: int) -> ResizeReport:
    """Write to `out` what `processing.pictures.resize_folder.resize_folder` writes, from pictures that are
    resized.

    Raises
    ------
    BadInput
        If no file of the folder is a usable picture.
    """
    return write_folder(folder, out, _results(piece), _settings(size_px))


def _results(piece: Piece) -> Iterator[Taken | Refused]:
    """Give what was found of each file, as it was before it became rows and notes."""
    rows = iter(piece.rows)
    for note in piece.notes:
        refused = "reason" in note
        yield Refused(**note) if refused else Taken(PictureSource(**note), next(rows))


def _settings(size_px: int) -> Settings:
    return Settings(size_px, WHITE, "lanczos", "png")
