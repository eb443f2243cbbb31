"""Images with their labels, as everything here passes them on."""

from __future__ import annotations

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
        An array, mapped or not; or, where some of more rows were picked than fit into memory, a `Picked`.
    y : int64[N], an index into the classes
    """

    x: Images
    y: Labels


class Picked:
    """Some rows of an array that does not fit into memory, as if they were an array of their own.

    It has length, shape and bytes of one, gives rows as one does, `picked[rows]`, and is made one by
    `numpy.asarray`.

    Parameters
    ----------
    base : uint8[N, H, W, C]
    rows : int64[M]
        Which of them, in ascending order.
    """

    ndim, dtype, itemsize = 4, np.dtype(np.uint8), 1

    def __init__(self, base: Images, rows: npt.NDArray[np.int64]) -> None:
        self.base, self.rows = base, rows
        self.shape = (len(rows), *base.shape[1:])
        self.nbytes = len(rows) * int(np.prod(base.shape[1:], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Images:
        return np.asarray(self.base[self.rows[key]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.base[self.rows], dtype)


def picked(x: Images, y: Labels, mask: Bools) -> Labeled:
    """Return the rows of a mask; the images are copied only where they fit into memory."""
    rows = np.flatnonzero(mask)
    view = Picked(x, rows)
    if view.nbytes > IN_MEMORY:
        return Labeled(cast("Images", view), y[rows])
    few = x[rows]
    let_go(x)
    return Labeled(few, y[rows])
