"""Arrays: `.npy` and `.npz`, of plain numbers and never of pickles."""

from __future__ import annotations

import math
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from boomerang.safeio.archives import ZIP_ERRORS, open_zip
from boomerang.safeio.files import RefusedError, reading, regular_file
from boomerang.safeio.python_text import parse_literal
from boomerang.shown import display_name

MAX_ARRAY_BYTES = 32 << 30
MAX_NPZ_BYTES = 4 << 30
MAX_NPZ_MEMBERS = 64

_SAVE_NPY = "save it again with numpy.save(..., allow_pickle=False)"
_MAX_NPY_HEADER_BYTES = 10_000
_MAX_NDIM = 8
_BLOCK_BYTES = 16 << 20
Taken = TypeVar("Taken")

_KIND_NAMES = {"b": "bool", "i": "int", "u": "unsigned int", "f": "float", "c": "complex", "U": "text"}


@dataclass(frozen=True)
class _NpyHeader:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    offset: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def load_npy(
    path: Path,
    *,
    kinds: str = "biuf",
    ndim: int | None = None,
    max_bytes: int = MAX_ARRAY_BYTES,
    mmap: bool = False,
) -> npt.NDArray[Any]:
    """Return the array of an `.npy` file.

    Parameters
    ----------
    path : Path
    kinds : str
        Allowed values of `dtype.kind`; objects (pickles) and records are never allowed.
    ndim : int, optional
        The number of dimensions it must have; without it any up to 8.
    max_bytes : int
        Larger files are refused.
    mmap : bool
        Map the file read-only instead of reading it.

    Raises
    ------
    BadInput
        When it is no `.npy` file, holds a pickle or another dtype or shape than allowed, or its
        header and its size do not agree to the byte.
    """
    with (
        reading(path, _SAVE_NPY, ValueError, MemoryError, OverflowError),
        regular_file(path, max_bytes) as (stream, size),
    ):
        header = _npy_header(stream, size, kinds, ndim)
        if mmap and header.data_bytes:  # an empty array cannot be mapped
            return _map(path, header)
        return _read_array(stream, header)


def _map(path: Path, header: _NpyHeader) -> npt.NDArray[Any]:
    order: Any = header.order
    return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)


def map_records(path: Path, record_bytes: int) -> npt.NDArray[np.uint8]:
    """Return a file of records of one length, mapped: uint8[N, record_bytes].

    Raises
    ------
    BadInput
        When it is no regular file, or not of whole records.
    """
    do = "give the file as it was published"
    with reading(path, do), regular_file(path, MAX_ARRAY_BYTES) as (_, size):
        if size % record_bytes:
            raise RefusedError(f"its {size:,} bytes are no whole records of {record_bytes:,}")
        return np.memmap(path, np.uint8, "r", 0, (size // record_bytes, record_bytes))


def _npy_header(stream: IO[bytes], size: int, kinds: str, ndim: int | None) -> _NpyHeader:
    """Read the header (numpy's NEP 1) and hold it against the size of the file or member."""
    fields, offset = _npy_fields(stream)
    shape, order = fields["shape"], "F" if fields["fortran_order"] else "C"
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise RefusedError("its header's shape is no tuple of sizes")
    header = _NpyHeader(_npy_dtype(fields["descr"], kinds), shape, order, offset)
    if len(shape) > _MAX_NDIM or ndim not in (None, len(shape)):
        raise RefusedError(f"it has {len(shape)} dimensions, expected {ndim or f'at most {_MAX_NDIM}'}")
    if math.prod(n for n in shape if n) >= 2**48:
        raise RefusedError(f"its header claims the shape {list(shape)}")
    if header.data_bytes != size - offset:
        raise RefusedError(f"its header claims {header.data_bytes:,} bytes of data, it has {size - offset:,}")
    return header


def _npy_fields(stream: IO[bytes]) -> tuple[dict[str, Any], int]:
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY":
        raise RefusedError("its content is not a numpy array (.npy)")
    # Version 3 differs in the names of record fields only, and records are not taken.
    width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(start[6:8])
    if width is None:
        raise RefusedError(f"its format version {list(start[6:8])} is not 1.0 or 2.0")
    length = int.from_bytes(stream.read(width), "little")
    if length > _MAX_NPY_HEADER_BYTES:
        raise RefusedError(f"its header claims {length:,} bytes, the limit is {_MAX_NPY_HEADER_BYTES:,}")
    text = stream.read(length).decode("latin-1")
    try:
        fields = parse_literal(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise RefusedError("its header cannot be read") from None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise RefusedError("its header is not numpy's")
    return fields, 8 + width + length


def _npy_dtype(descr: object, kinds: str) -> np.dtype[Any]:
    if not isinstance(descr, str):
        raise RefusedError("it holds records, not plain numbers")
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError, SyntaxError):
        raise RefusedError(f"its dtype '{display_name(descr[:40])}' is unknown") from None
    if dtype.hasobject:
        raise RefusedError("it holds Python objects (a pickle), and a pickle runs code when it is read")
    if dtype.kind not in kinds or dtype.itemsize == 0:
        wanted = ", ".join(_KIND_NAMES.get(kind, kind) for kind in kinds)
        raise RefusedError(f"its dtype is {dtype}, expected {wanted}")
    return dtype


def _read_array(stream: IO[bytes], header: _NpyHeader) -> npt.NDArray[Any]:
    flat = np.empty(math.prod(header.shape), header.dtype)
    view, filled = flat.view(np.uint8).data, 0
    for block in _data(stream, header):
        view[filled : filled + len(block)] = block
        filled += len(block)
    order: Any = header.order
    return flat.reshape(header.shape, order=order)


def _data(stream: IO[bytes], header: _NpyHeader) -> Iterator[bytes]:
    """Give the bytes of an array, of which no more than a block is held."""
    left = header.data_bytes
    while left:
        block = stream.read(min(left, _BLOCK_BYTES))
        if not block:
            done = header.data_bytes - left
            raise RefusedError(f"it is cut off after {done:,} of {header.data_bytes:,} bytes")
        left -= len(block)
        yield block


def _unpack_array(stream: IO[bytes], header: _NpyHeader) -> npt.NDArray[Any]:
    """Return an array; a large one is unpacked into a file without a name, which is mapped."""
    if header.data_bytes <= _BLOCK_BYTES:
        return _read_array(stream, header)
    with tempfile.TemporaryFile() as file:
        for block in _data(stream, header):
            file.write(block)
        file.flush()
        order: Any = header.order
        return np.memmap(file, header.dtype, "r", 0, header.shape, order)


def load_npz(
    path: Path,
    *,
    kinds: str = "biuf",
    only: Collection[str] | None = None,
    max_bytes: int = MAX_NPZ_BYTES,
    max_members: int = MAX_NPZ_MEMBERS,
    mmap: bool = False,
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an `.npz` file by name.

    Parameters
    ----------
    path : Path
    kinds : str
        See `load_npy`.
    only : collection of str, optional
        The arrays that are wanted; the others are not unpacked.
    max_bytes : int
        Cap on the unpacked bytes of all members together; an archive that grows more than a
        hundredfold beyond 256 MiB is refused as well.
    max_members : int
        Cap on the number of arrays.
    mmap : bool
        Unpack large arrays into files without a name, which last as long as the arrays, and map these.

    Raises
    ------
    BadInput
        When it is no such archive, a cap is passed, or a member is no plain array.
    """
    with _opened_npz(path, max_bytes, max_members) as archive:
        return {
            name: _npz_member(archive, info, kinds, _unpack_array if mmap else _read_array)
            for name, info in _arrays(archive).items()
            if only is None or name in only
        }


def npz_shapes(path: Path, *, kinds: str = "biuf") -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Return dtype and shape of each array of an `.npz` file, of which the headers alone are unpacked.

    Raises
    ------
    BadInput
        See `load_npz`.
    """
    with _opened_npz(path, MAX_NPZ_BYTES, MAX_NPZ_MEMBERS) as archive:
        return {
            name: _npz_member(archive, info, kinds, lambda _, header: (header.dtype, header.shape))
            for name, info in _arrays(archive).items()
        }


@contextmanager
def _opened_npz(path: Path, max_bytes: int, max_members: int) -> Iterator[zipfile.ZipFile]:
    do = "save it again with numpy.savez, plain arrays only"
    with (
        reading(path, do, *ZIP_ERRORS, MemoryError, OverflowError),
        regular_file(path, max_bytes) as (stream, size),
        open_zip(stream, size, max_bytes, max_members) as archive,
    ):
        yield archive


def _array_name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _arrays(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    twice, times = Counter(map(_array_name, archive.infolist())).most_common(1)[0]
    if times > 1:
        raise RefusedError(f"two of its members are the array '{display_name(twice)}'")
    return {_array_name(info): info for info in archive.infolist()}


def _npz_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    kinds: str,
    take: Callable[[IO[bytes], _NpyHeader], Taken],
) -> Taken:
    try:
        with archive.open(info) as stream:
            return take(stream, _npy_header(stream, info.file_size, kinds, None))
    except RefusedError as refusal:
        raise RefusedError(f"member '{display_name(info.filename)}': {refusal}") from None
