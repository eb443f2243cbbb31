"""Rows as they come, one piece after the other: into a file without a name, or into an `.npy` file.

Many machines' shares, or many stretches of one machine's work, are one array then, of which no more than
a few blocks were ever held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from boomerang.blocks import BLOCK_BYTES, Array, blocks


class Spool:
    """Pieces of one array. What they take beyond a block is written to a file that ends with the array."""

    def __init__(self) -> None:
        self._held: list[Array] = []
        self._written = 0
        self._file: IO[bytes] | None = None

    def add(self, rows: Array) -> None:
        """Take the next rows, array[M, ...], all of one dtype and one shape of a row."""
        if self._held and (rows.dtype, rows.shape[1:]) != (self._held[0].dtype, self._held[0].shape[1:]):
            raise ValueError(f"{rows.dtype}{rows.shape} after {self._held[0].dtype}{self._held[0].shape}")
        if sum(piece.nbytes for piece in self._held) > BLOCK_BYTES:
            self._write()
        self._held.append(rows)

    def _write(self) -> None:
        self._file = self._file or tempfile.TemporaryFile()
        for piece in self._held:
            _append(self._file, piece)
            self._written += len(piece)
        del self._held[:-1]
        self._held[0] = self._held[0][:0]  # it says what a row is

    def rows(self) -> Array:
        """Return all of them, array[N, ...]; mapped and writable, where they are in the file."""
        if self._file is None:
            return self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        self._write()
        self._file.flush()
        row = self._held[0]
        with self._file as file:
            return np.memmap(file, row.dtype, "r+", 0, (self._written, *row.shape[1:]))


def save_rows(path: Path, pieces: Iterable[Array]) -> None:
    """Write pieces of an array, at least one, as the `.npy` file that `numpy.save` makes of the whole."""
    count = 0
    with path.open("wb") as file:
        for piece in pieces:
            if not file.tell():
                _write_header(file, 0, piece)
            _append(file, piece)
            count += len(piece)
        file.seek(0)
        _write_header(file, count, piece)


def _write_header(file: IO[bytes], count: int, piece: Array) -> None:
    # numpy leaves room for the first axis to grow, so the header's length does not depend on it.
    npy: Any = np.lib.format  # numpy ships no types for it
    descr = npy.dtype_to_descr(piece.dtype)
    npy.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": (count, *piece.shape[1:])}
    )


def _append(file: IO[bytes], rows: Array) -> None:
    for _, block in blocks(rows):
        file.write(np.ascontiguousarray(block).data.cast("B"))
