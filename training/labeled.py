"""Images with their labels, as everything here passes them on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go
from boomerang.manifest import Bools, Images, Labels

# So many bytes of images may be in memory at once; of more, a part at a time.
IN_MEMORY = 512 << 20


class Labeled(NamedTuple):
    """Some rows of a dataset.

    Attributes
    ----------
    x : uint8[N, H, W, C], 0..255
        An array, mapped or not; or, where some of more rows were picked than fit into memory, a `Picked`; or
        a `Joined`.
    y : int64[N], an index into the classes
    """

    x: Images
    y: Labels


class _View(ABC):
    """Rows that lie elsewhere, perhaps more than fit into memory, as if they were an array of their own.

    It has length, shape and bytes of one, gives rows as one does, `view[rows]`, and is made one by
    `numpy.asarray`.
    """

    ndim, dtype, itemsize = 4, np.dtype(np.uint8), 1

    def __init__(self, rows: int, image: tuple[int, ...]) -> None:
        self.shape = (rows, *image)
        self.nbytes = rows * int(np.prod(image, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, key: Any) -> Images: ...

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self[:], dtype)


class Picked(_View):
    """Some rows of an array that does not fit into memory.

    Parameters
    ----------
    base : uint8[N, H, W, C]
    rows : int64[M]
        Which of them, in ascending order.
    """

    def __init__(self, base: Images, rows: npt.NDArray[np.int64]) -> None:
        super().__init__(len(rows), base.shape[1:])
        self.base, self.rows = base, rows

    def __getitem__(self, key: Any) -> Images:
        return np.asarray(self.base[self.rows[key]])


class Joined(_View):
    """The rows of two arrays, one after the other; what is read of them is a copy, and no mapping grows.

    Parameters
    ----------
    first, second : uint8[N, H, W, C], uint8[M, H, W, C]
        Mapped or not, or `Picked`.
    """

    def __init__(self, first: Images, second: Images) -> None:
        super().__init__(len(first) + len(second), first.shape[1:])
        self._parts = (first, second)

    def __getitem__(self, key: Any) -> Images:
        rows, (first, second) = np.arange(len(self))[key], self._parts
        out = np.empty((*rows.shape, *self.shape[1:]), np.uint8)
        early = rows < len(first)
        out[early], out[~early] = first[rows[early]], second[rows[~early] - len(first)]
        for part in self._parts:
            let_go(part)
        return out


def picked(x: Images, y: Labels, mask: Bools) -> Labeled:
    """Return the rows of a mask; the images are copied only where they fit into memory."""
    rows = np.flatnonzero(mask)
    view = Picked(x, rows)
    if view.nbytes > IN_MEMORY:
        return Labeled(cast("Images", view), y[rows])
    few = x[rows]
    let_go(x)
    return Labeled(few, y[rows])


def joined(first: Labeled, second: Labeled) -> Labeled:
    """Return the rows of the first and then those of the second; no image is copied."""
    return Labeled(cast("Images", Joined(first.x, second.x)), np.concatenate([first.y, second.y]))
