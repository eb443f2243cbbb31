"""Tables whose rows are images: a label and the value of every pixel, as comma separated text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from boomerang.safeio.arrays import MAX_ARRAY_BYTES
from boomerang.safeio.files import RefusedError, reading, regular_file

_GZIP = b"\x1f\x8b"
# A line of 96 x 96 pixels in color has 140,000 bytes.
_MOST_LINE_BYTES = 1 << 20
_ROWS_AT_ONCE = 4_096
_DO = "save a line of names, then a line an image: its label and whole numbers from 0 to 255"


def pixel_columns(path: Path) -> tuple[str, ...]:
    """Return the names in the first line of a table, plain or gzipped; none where it has no such line."""
    try:
        with _lines(path) as lines:
            return _names(next(lines, b""))[0]
    except Exception:  # whatever is no such file, some parser refuses in its own way
        return ()


def load_pixels(path: Path, label: str) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
    """Yield stretches of images, uint8[M, K], 0..255, and their labels, int64[M].

    Parameters
    ----------
    path : Path
    label : str
        The column of the labels; every other is a pixel.

    Raises
    ------
    BadInput
        When it is no such table: a label is no whole number, a pixel none from 0 to 255, or a line has more
        or fewer values than the first.
    """
    with reading(path, _DO, EOFError, zlib.error), _lines(path) as lines:
        names, separator = _names(next(lines, b""))
        place, before = names.index(label), 1
        while block := list(islice(lines, _ROWS_AT_ONCE)):
            values = _numbers(block, separator, len(names), before)
            pixels = np.delete(values, place, axis=1)
            if pixels.size and (pixels.min() < 0 or pixels.max() > 255):
                row = int(((pixels < 0) | (pixels > 255)).any(axis=1).argmax())
                raise RefusedError(f"line {before + row + 1:,} has a value that is not from 0 to 255")
            yield pixels.astype(np.uint8), values[:, place]
            before += len(block)


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[bytes]]:
    with regular_file(path, MAX_ARRAY_BYTES) as (stream, _):
        packed = stream.read(2) == _GZIP
        stream.seek(0)
        yield _capped(cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if packed else stream)


def _capped(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream that are not empty; none is longer than the cap."""
    left = MAX_ARRAY_BYTES
    while line := stream.readline(_MOST_LINE_BYTES):
        left -= len(line)
        if len(line) == _MOST_LINE_BYTES or left < 0:
            raise RefusedError(f"a line has more than {_MOST_LINE_BYTES:,} bytes")
        if line.strip():
            yield line


def _names(line: bytes) -> tuple[tuple[str, ...], str]:
    """Return the names of the columns, and what separates them."""
    text = line.decode("utf-8-sig").strip()
    separator = max(",;\t", key=text.count)
    return tuple(name.strip().strip('"') for name in text.split(separator)), separator


def _numbers(lines: list[bytes], separator: str, columns: int, before: int) -> npt.NDArray[np.int64]:
    try:
        values = np.loadtxt(lines, np.int64, delimiter=separator, comments=None, ndmin=2)
    except ValueError:
        raise RefusedError(_wrong(lines, separator, columns, before)) from None
    if values.shape[1] != columns:
        raise RefusedError(f"line {before + 1:,} has {values.shape[1]:,} values, the first has {columns:,}")
    return values


def _wrong(lines: list[bytes], separator: str, columns: int, before: int) -> str:
    """Return what is wrong with the first line that is no row of numbers."""
    for number, line in enumerate(lines, before + 1):
        cells = line.split(separator.encode())
        if len(cells) != columns:
            return f"line {number:,} has {len(cells):,} values, the first has {columns:,}"
        strange = next((cell for cell in cells if not cell.strip().lstrip(b"+-").isdigit()), None)
        if strange is not None:
            return f"line {number:,} has {strange.strip()[:40]!r} for a whole number"
    return "a number in it is too large"
