"""Pairs of images that are close in pixel space, found exactly and without comparing all pixels.

Averaging blocks of pixels cannot increase a distance: the distance between two images is at least
that between their block means, scaled by the root of the block's size. So the means of an 8 x 8 grid
rule out nearly every pair by one matrix product, and no pair within the limit is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images, Labels

_GRID = 8
_BLOCK_ROWS = 256

Sketch = npt.NDArray[np.float32]


def sketch(x: Images) -> Sketch:
    """Return float32[N, 64], whose Euclidean distances never exceed those of the images.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Sides that the grid does not divide are split as evenly as can be.
    """
    rows, columns = _edges(x.shape[1]), _edges(x.shape[2])
    cells = []
    for top, bottom in rows:
        for left, right in columns:
            pixels = x[:, top:bottom, left:right].reshape(len(x), -1)
            cells.append(pixels.mean(1, dtype=np.float32) * np.sqrt(pixels.shape[1]))
    return np.asarray(np.stack(cells, axis=1), np.float32)


def _edges(side: int) -> list[tuple[int, int]]:
    cuts = np.linspace(0, side, min(_GRID, side) + 1).round().astype(int).tolist()
    return list(pairwise(cuts))


def close_pairs(x: Images, y: Labels, limit: float) -> Iterator[tuple[int, int]]:
    """Yield every pair (i, j), i < j, of rows with different labels closer than `limit`.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    limit : float
        Euclidean distance over all values of an image, 0..255 each. Identical images are pairs too.
    """
    sketches = sketch(x)
    sketches -= sketches.mean(0)  # small numbers keep float32 exact enough
    slack = limit + 1.0  # of rounding; a candidate is measured in full below
    for i, j in _candidates(sketches, y, slack):
        if _distance(x, i, j) < limit:
            yield i, j


def _candidates(sketches: Sketch, y: Labels, limit: float) -> Iterator[tuple[int, int]]:
    squares = (sketches**2).sum(1)
    for start in range(0, len(sketches), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, the rows of this block against it and all rows after it
        squared = sketches[start:] @ (-2 * sketches[block].T)
        squared += squares[start:, None]
        squared += squares[None, block]
        later, earlier = np.nonzero(squared < limit**2)
        ok = (later > earlier) & (y[start + later] != y[start + earlier])
        yield from zip((start + earlier[ok]).tolist(), (start + later[ok]).tolist(), strict=True)


def _distance(x: Images, i: int, j: int) -> float:
    return float(np.linalg.norm(x[i].astype(np.float32) - x[j].astype(np.float32)))


def nearest_other_label(x: Images, y: Labels) -> float | None:
    """Return the least distance between two rows with different labels; None if there are none."""
    flat = x.reshape(len(x), prod(x.shape[1:])).astype(np.float32)
    squares = (flat**2).sum(1)
    least = np.inf
    for start in range(0, len(flat), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        squared = squares[block, None] - 2 * (flat[block] @ flat.T) + squares[None, :]
        other = y[block, None] != y[None, :]
        least = min(least, float(squared[other].min(initial=np.inf)))
    return float(np.sqrt(max(least, 0.0))) if np.isfinite(least) else None
