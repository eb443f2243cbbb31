"""Few numbers an image whose distances are never larger than those of the images.

Averaging blocks of pixels cannot increase a distance: that between two images is at least that between their
block means, scaled by the root of the block's size. Neither can leaving out directions, so of the means only
the few directions are kept in which they vary most.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go, rows_at_once, slices
from boomerang.manifest import Images, Rows

DIMENSIONS = 64
_GRID = 8
_LEARN_ROWS = 16_384
_BLOCK_BYTES = 2 << 20  # eight times as much in floats

Sketch = npt.NDArray[np.float32]
Describe = Callable[[Images], Sketch]


def sketch(x: Images, grid: int = _GRID) -> Sketch:
    """Return float32[N, grid * grid * C], whose Euclidean distances never exceed those of the images.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Sides that the grid does not divide are split as evenly as can be.
    grid : int
        Blocks a side; of a smaller image its pixels.
    """
    rows, height, width, channels = x.shape
    down, across = _cells(height, grid), _cells(width, grid)
    by_channel = np.kron(across, np.eye(channels, dtype=np.float32))
    # Whole numbers below 2^24: exact, whatever the order in which they are summed.
    wide = x.reshape(rows * height, width * channels).astype(np.float32) @ by_channel.T
    sums = down @ wide.reshape(rows, height, len(by_channel))
    scale = np.sqrt(np.outer(down.sum(1), across.sum(1))).repeat(channels, axis=1)
    return np.asarray(sums / scale.astype(np.float32), np.float32).reshape(rows, len(down) * len(by_channel))


def _cells(side: int, grid: int) -> Sketch:
    """Return float32[G, side], which pixels are in which block."""
    cuts = np.linspace(0, side, min(grid, side) + 1).round().astype(int).tolist()
    cells = np.zeros((len(cuts) - 1, side), np.float32)
    for cell, (start, stop) in zip(cells, pairwise(cuts), strict=True):
        cell[start:stop] = 1
    return cells


def sketched(x: Images, rows: Rows) -> Sketch:
    """Return float32[n, D], D at most `DIMENSIONS`: the sketch of some rows, where it varies most.

    It goes through the images a block at a time.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Mapped or not.
    rows : int64[n]
    """
    return along(x, rows, widest(x, rows))


class Directions(NamedTuple):
    """Where descriptions of images vary most.

    Attributes
    ----------
    describe : callable
        uint8[n, H, W, C] -> float32[n, G].
    center : float32[G]
    axes : float32[G, D]
        Orthonormal, the widest first; D at most `DIMENSIONS`.
    """

    describe: Describe
    center: Sketch
    axes: Sketch


def widest(x: Images, rows: Rows, describe: Describe = sketch) -> Directions:
    """Return the directions in which the descriptions of some rows vary most, of rows that lie evenly."""
    parts = [np.zeros((0, describe(x[:1]).shape[1]), np.float32)]
    learned = rows[:: max(1, len(rows) // _LEARN_ROWS)]
    for part in slices(len(learned), rows_at_once(x, _BLOCK_BYTES)):
        parts.append(describe(x[learned[part]]))
        let_go(x)
    points = np.concatenate(parts)
    center = points.mean(0, dtype=np.float64).astype(np.float32) if len(points) else points.sum(0)
    points -= center
    axes = np.linalg.eigh((points.T @ points).astype(np.float64))[1][:, ::-1]
    return Directions(describe, center, np.ascontiguousarray(axes[:, :DIMENSIONS], np.float32))


def along(x: Images, rows: Rows, directions: Directions) -> Sketch:
    """Return float32[n, D], some rows' descriptions along directions, a block of images at a time."""
    points = np.empty((len(rows), directions.axes.shape[1]), np.float32)
    for part in slices(len(rows), rows_at_once(x, _BLOCK_BYTES)):
        points[part] = (directions.describe(x[rows[part]]) - directions.center) @ directions.axes
        let_go(x)
    return points
