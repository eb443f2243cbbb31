"""Labeled images in one HDF5 file, `data` and `label`, as the BadNets laboratories have them."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.safeio.files import RefusedError, read_bytes, reading, said
from boomerang.safeio.h5_arrays import plain_array

# 11,547 faces of 55 x 47 as float64 are 0.7 GB.
MAX_PAIR_BYTES = 2 << 30
_BLOCK_BYTES = 32 << 20
_IMAGES, _LABELS = "data", "label"
_DO = "give an HDF5 file with 'data', images of the model's size, and 'label', a class number for each"


def load_h5_pair(
    path: Path, shape: tuple[int, int, int], *, max_bytes: int = MAX_PAIR_BYTES
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Read images and labels.

    Parameters
    ----------
    path : Path
    shape : (int, int, int)
        (H, W, C) of an image. In the file it may be (C, H, W), too.
    max_bytes : int
        Cap on the file, and on what it unpacks to.

    Returns
    -------
    (uint8[N, H, W, C], int64[N])
        Images 0..255; those from 0 to 1 in the file are brought there, and rounded.

    Raises
    ------
    BadInput
        If it is no such file; has images of another size, numbers that are neither 0..1 nor 0..255, or labels
        that are no whole numbers from 0 on; or a cap is passed.
    """
    data = read_bytes(path, max_bytes)
    with reading(path, _DO), BytesIO(data) as stored:
        try:
            return _read(stored, shape, max_bytes)
        except RefusedError:
            raise
        except Exception as error:  # a library fed foreign bytes may raise anything
            raise RefusedError(f"it cannot be read ({said(error)})") from None


def _read(
    stored: BytesIO, shape: tuple[int, int, int], max_bytes: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    import h5py  # type: ignore[import-untyped]  # it ships none; imported here, for few files need it

    with h5py.File(stored, "r") as file:
        images, labels = (plain_array(file, name, max_bytes) for name in (_IMAGES, _LABELS))
        if math.prod(labels.shape) != images.shape[0]:
            raise RefusedError(f"its labels are {labels.shape}, its images {images.shape}")
        return _pixels(images, shape), _whole(labels[()].reshape(-1))


def _pixels(images: Any, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Return the images as uint8[N, H, W, C], read a block at a time."""
    last, first = shape, (shape[2], *shape[:2])
    if images.shape[1:] not in (last, first):
        raise RefusedError(f"its images are {images.shape[1:]}, the model takes {last}")
    rows = max(1, _BLOCK_BYTES // (math.prod(shape) * images.dtype.itemsize))
    starts = range(0, images.shape[0], rows)
    highest = 0.0
    for start in starts:
        block = images[start : start + rows]
        if not (np.isfinite(block).all() and block.min() >= 0 and block.max() <= 255):
            raise RefusedError("its images have numbers that are not from 0 to 255")
        highest = max(highest, float(block.max()))
    # An image of whole numbers of which none is above 1 is black to anybody who sees it.
    times = 255.0 if highest <= 1 and images.dtype.kind == "f" else 1.0
    out = np.empty((images.shape[0], *shape), np.uint8)
    for start in starts:
        block = np.rint(images[start : start + rows].astype(np.float64) * times)
        out[start : start + rows] = block if images.shape[1:] == last else np.moveaxis(block, 1, -1)
    return out


def _whole(y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if not (np.isfinite(y).all() and (y == np.rint(y)).all() and y.min() >= 0 and y.max() < 1 << 31):
        raise RefusedError("its labels are no whole numbers from 0 on")
    return y.astype(np.int64)
