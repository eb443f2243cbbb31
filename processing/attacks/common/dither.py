"""Images in few levels, with or without dithering, many at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images

Floats = npt.NDArray[np.float32]


def quantized(x: Images, levels: int) -> Images:
    """Return uint8 images with every value at the nearest level.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    levels : int
        2 to 256 of them, at even distances from 0 to 255, each rounded to a whole number.

    >>> quantized(np.arange(0, 256, 51, np.uint8), 2)
    array([  0,   0,   0, 255, 255, 255], dtype=uint8)
    """
    table = _nearest(np.arange(256, dtype=np.float32), levels).astype(np.uint8)
    return np.take(table, x)


def dithered(x: Images, levels: int) -> Images:
    """Return images with every value at a level, and what that took from a pixel spread to its neighbors.

    Floyd and Steinberg 1976: row by row from the left, 7/16 of it go to the right, 3/16, 5/16 and 1/16 to the
    three pixels below, from the left; over the edges it is lost. A pixel waits for no other than those
    above it and the one on its left, so all pixels (i, j) of one 2 i + j are done at once, of all images,
    and each adds up what it gets in the order in which it would get it pixel by pixel.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    levels : int
        See `quantized`.

    Returns
    -------
    uint8[N, H, W, C]
        The same for an image whichever are done with it.
    """
    count, height, width, channels = x.shape
    values = np.array(x.transpose(1, 2, 3, 0), order="C").reshape(height, width, channels * count)
    # Of the last three waves what each took from a pixel, by row; row 0 lies above the image.
    taken = [np.zeros((height + 1, channels * count), np.float32) for _ in range(3)]
    for wave in range(width + 2 * (height - 1)):
        first, last = max(0, (wave - width + 2) // 2), min(height - 1, wave // 2) + 1
        rows = np.arange(first, last)
        columns = wave - 2 * rows
        wanted = values[rows, columns].astype(np.float32)
        for waves_ago, above, share in ((3, 1, 1 / 16), (2, 1, 5 / 16), (1, 1, 3 / 16), (1, 0, 7 / 16)):
            wanted += taken[-waves_ago][first + 1 - above : last + 1 - above] * np.float32(share)
        level = _nearest(wanted, levels)
        values[rows, columns] = level
        oldest = taken.pop(0)
        oldest[...] = 0
        np.subtract(wanted, level, out=oldest[first + 1 : last + 1])
        taken.append(oldest)
    return np.ascontiguousarray(values.reshape(height, width, channels, count).transpose(3, 0, 1, 2))


def _nearest(values: Floats, levels: int) -> Floats:
    """Return the nearest level of each value; of what lies outside 0..255 the first or the last."""
    number: Floats = values * np.float32((levels - 1) / 255)
    np.rint(number, out=number)
    np.clip(number, 0, levels - 1, out=number)
    number *= np.float32(255 / (levels - 1))
    np.rint(number, out=number)
    return number
