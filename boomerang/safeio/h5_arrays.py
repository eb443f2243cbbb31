"""The arrays of an HDF5 file, of which stretches of rows are read as they are asked for."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.safeio.arrays import MAX_ARRAY_BYTES
from boomerang.safeio.files import RefusedError, reading, regular_file, said

_MAX_CHUNK_BYTES = 64 << 20
# Those that come with HDF5 itself, by number: deflate, shuffle, Fletcher's sum; and h5py's lzf.
_FILTERS = {1, 2, 3, 32000}
_MOST_ARRAYS = 64
_DO = "give an HDF5 file whose arrays lie in it, of plain numbers"


class H5Array:
    """An array of an HDF5 file. Slices of rows are read from the file.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self._name = path, name
        self.shape, self.dtype = shape, dtype

    @cached_property
    def _array(self) -> Any:
        import h5py  # type: ignore[import-untyped]  # it ships none; imported here, for few files need it

        return plain_array(h5py.File(self._path, "r"), self._name, MAX_ARRAY_BYTES)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        """Return a stretch of rows.

        Raises
        ------
        BadInput
            If they cannot be unpacked.
        """
        with reading(self._path, _DO):
            try:
                found: npt.NDArray[Any] = self._array[rows]
            except RefusedError:
                raise
            except Exception as error:  # a library fed foreign bytes may raise anything
                raise RefusedError(f"it cannot be read ({said(error)})") from None
            return found


def h5_arrays(path: Path) -> dict[str, H5Array]:
    """Return the arrays at the top of an HDF5 file that can be read, by name; none of them is read.

    Links to other files, arrays of objects, and what is packed in a way that needs other code are left out.

    Raises
    ------
    BadInput
        If it is no HDF5 file.
    """
    import h5py

    with reading(path, _DO):
        with regular_file(path, MAX_ARRAY_BYTES):
            pass
        try:
            with h5py.File(path, "r") as file:
                found: dict[str, H5Array] = {}
                for name in list(file)[:_MOST_ARRAYS]:
                    try:
                        array = plain_array(file, name, MAX_ARRAY_BYTES)
                    except RefusedError:
                        continue
                    found[name] = H5Array(path, name, tuple(array.shape), array.dtype)
                return found
        except RefusedError:
            raise
        except Exception as error:  # a library fed foreign bytes may raise anything
            raise RefusedError(f"it cannot be read ({said(error)})") from None


def plain_array(file: Any, name: str, max_bytes: int) -> Any:
    """Return an array of an opened HDF5 file, unread; its numbers lie in it and are not more than the cap.

    Raises
    ------
    RefusedError
        If there is none of that name, or it is not such a one.
    """
    import h5py

    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise RefusedError(f"it has no array '{name}'")
    array = file[name]
    if not array.shape or 0 in array.shape or array.dtype.kind not in "biufS":
        raise RefusedError(f"its '{name}' is no array of numbers")
    if array.is_virtual or array.external:
        raise RefusedError(f"its '{name}' lies in another file")
    size = math.prod(array.shape) * array.dtype.itemsize
    if size > max_bytes:
        raise RefusedError(f"its '{name}' has {size:,} bytes, the limit is {max_bytes:,}")
    if array.chunks is not None and math.prod(array.chunks) * array.dtype.itemsize > _MAX_CHUNK_BYTES:
        raise RefusedError(f"its '{name}' is packed in pieces above {_MAX_CHUNK_BYTES:,} bytes")
    made = array.id.get_create_plist()
    if not {made.get_filter(k)[0] for k in range(made.get_nfilters())} <= _FILTERS:
        raise RefusedError(f"its '{name}' is packed in a way that needs other code")
    return array
