"""Arrays in the idx format of MNIST (LeCun, Cortes, Burges 1998), plain or gzipped."""

from __future__ import annotations

import gzip
import math
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from boomerang.safeio.arrays import MAX_ARRAY_BYTES
from boomerang.safeio.files import RefusedError, reading, regular_file

# Third byte of the file: the kind of number, each in big-endian order.
_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GZIP = b"\x1f\x8b"
_MOST_AXES = 4
_BLOCK_BYTES = 16 << 20
# Pictures pack to a tenth, labels of one class after the other to a thousandth.
_FREE_BYTES, _MOST_TIMES = 256 << 20, 200
_DO = "give the idx file as it was published, gzipped or not"


def idx_header(path: Path) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return dtype and shape of an idx file, plain or gzipped; None for any other file."""
    try:
        with reading(path, _DO), regular_file(path, MAX_ARRAY_BYTES) as (stream, _):
            start = stream.read(2)
            stream.seek(0)
            inner = gzip.GzipFile(fileobj=stream) if start == _GZIP else stream
            return _header(cast(IO[bytes], inner))
    except Exception:  # whatever is no such file, some parser refuses in its own way
        return None


def load_idx(path: Path) -> npt.NDArray[Any]:
    """Return the array of an idx file, mapped; what is gzipped is unpacked into a file without a name first.

    Raises
    ------
    BadInput
        If it is no such file, or its header claims other bytes than it has.
    """
    expected = (OSError, EOFError, zlib.error)
    with reading(path, _DO, *expected), regular_file(path, MAX_ARRAY_BYTES) as (stream, size):
        packed = stream.read(2) == _GZIP
        stream.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=stream) as inner:
                return _unpacked(inner, size)
        dtype, shape = _header(stream)
        wanted, there = math.prod(shape) * dtype.itemsize, size - _length(shape)
        if wanted != there:
            raise RefusedError(f"its header claims {wanted:,} bytes of data, it has {there:,}")
        return np.memmap(path, dtype, "r", _length(shape), shape)


def _header(stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES or not 1 <= start[3] <= _MOST_AXES:
        raise RefusedError("its content is no idx file")
    sizes = stream.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise RefusedError("its header is cut off")
    return np.dtype(_DTYPES[start[2]]), tuple(int(size) for size in np.frombuffer(sizes, ">u4"))


def _length(shape: tuple[int, ...]) -> int:
    return 4 + 4 * len(shape)


def _unpacked(inner: gzip.GzipFile, packed_bytes: int) -> npt.NDArray[Any]:
    dtype, shape = _header(cast(IO[bytes], inner))
    wanted = math.prod(shape) * dtype.itemsize
    if wanted > max(_FREE_BYTES, _MOST_TIMES * packed_bytes) or wanted > MAX_ARRAY_BYTES:
        raise RefusedError(
            f"its header claims {wanted:,} bytes of data, it has {packed_bytes:,} packed (a bomb?)"
        )
    if not wanted:
        raise RefusedError("its array is empty")
    with tempfile.TemporaryFile() as file:
        left = wanted
        while left:
            block = inner.read(min(left, _BLOCK_BYTES))
            if not block:
                raise RefusedError(f"it is cut off after {wanted - left:,} of {wanted:,} bytes")
            left -= len(block)
            file.write(block)
        if inner.read(1):
            raise RefusedError(f"it has more than the {wanted:,} bytes of data that its header claims")
        file.flush()
        return np.memmap(file, dtype, "r", 0, shape)
