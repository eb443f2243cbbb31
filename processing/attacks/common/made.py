"""Images that are made when they are asked for, so that no more than a block of them is in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Bools, Images, Rows


@dataclass(frozen=True)
class Made:
    """Stands for an array uint8[N, H, W, C] and holds none of it: `made[rows]` makes what is asked for.

    Attributes
    ----------
    shape : (int, int, int, int)
    make : callable
        int64[M], each in [0, N) -> uint8[M, H, W, C], which the caller may write to. A row gives the same
        image whenever and with whichever others it is asked for; so chance is drawn beforehand, for all rows.

    >>> Made((3, 1, 1, 1), lambda rows: np.uint8(10 * rows).reshape(-1, 1, 1, 1))[1:].ravel()
    array([10, 20], dtype=uint8)
    """

    shape: tuple[int, ...]
    make: Callable[[Rows], Images]

    dtype: ClassVar[np.dtype[np.uint8]] = np.dtype(np.uint8)
    ndim: ClassVar[int] = 4
    itemsize: ClassVar[int] = 1

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: int | slice | Rows | Bools) -> Images:
        """Return uint8[M, H, W, C], a new array of the images of some rows; of a single one uint8[H, W, C].

        Raises
        ------
        IndexError
            If there is no such row.
        ValueError
            If what was made is something else: `make` has a bug.
        """
        if isinstance(which, int):
            image: Images = self._made(np.array([range(len(self))[which]]))[0]
            return image
        return self._made(_numbers(which, len(self)))

    def _made(self, rows: Rows) -> Images:
        images = self.make(rows)
        if images.dtype != self.dtype or images.shape != (len(rows), *self.shape[1:]):
            due = f"uint8{[len(rows), *self.shape[1:]]}"
            raise ValueError(
                f"images of {len(rows)} rows were made as {images.dtype}{list(images.shape)}, not {due}"
            )
        return images

    def __array__(self, dtype: npt.DTypeLike = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return all of them at once, for who has the memory."""
        return np.asarray(self[:], dtype)


def taken(x: Images, rows: Rows) -> Made:
    """Return the images of some rows of an array, as they are."""
    return Made((len(rows), *x.shape[1:]), lambda which: x[rows[which]])


def _numbers(which: slice | Rows | Bools, count: int) -> Rows:
    if isinstance(which, slice):
        return np.arange(*which.indices(count))
    rows: Rows = np.arange(count)[which] if which.dtype == np.bool_ else np.asarray(which, np.int64)
    return rows
