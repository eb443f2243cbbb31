"""Pairs of images that are nearly the same, found exactly and without comparing all pixels.

Two measures decide, because a stamped trigger changes few values by much and an independent picture
changes most of them: the Euclidean distance, and the clipped distance, in which no value counts for
more than `CLIP` levels. A copy with a patch on it is close in the second and not far in the first.

Averaging blocks of pixels cannot increase a distance: the distance between two images is at least
that between their block means, scaled by the root of the block's size. So the means of an 8 x 8 grid
rule out nearly every pair by one matrix product, and no pair within the limits is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images, Labels, Rows

CLIP = 32
_GRID = 8
_BLOCK_ROWS = 256
_PAIRS_AT_ONCE = 4096
# Of the least distance in the clean sample; at 1 the sketches leave 15 times as many pairs to be
# measured in full (CIFAR-10). It bounds the size of a patch whose copies are found.
_REACH = 0.75

Sketch = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Limits:
    """Below both of these, two images are nearly the same.

    Attributes
    ----------
    distance : float
        Euclidean, over all values of an image, 0..255 each.
    clipped : float
        The same with each difference cut at `CLIP`.
    """

    distance: float
    clipped: float


def learn_limits(x: Images, y: Labels, fraction: float) -> Limits | None:
    """Return limits under which clean rows with different labels do not come.

    Parameters
    ----------
    x : uint8[M, H, W, C], 0..255
    y : int64[M]
    fraction : float
        Of the least clipped distance between a row and the nearest row with another label. A larger
        set holds closer pairs than the clean sample does, so it should be well below 1.

    Returns
    -------
    Limits or None
        None if no two rows have different labels.
    """
    rows, nearest = _nearest_other_label(x, y)
    if not len(rows):
        return None
    distance, clipped = _measure(x, rows, nearest)
    return Limits(round(_REACH * float(distance.min()), 3), round(fraction * float(clipped.min()), 3))


def _nearest_other_label(x: Images, y: Labels) -> tuple[Rows, Rows]:
    """Return the rows that have a row with another label, and for each the nearest of these."""
    flat = x.reshape(len(x), prod(x.shape[1:])).astype(np.float32)
    squares = (flat**2).sum(1)
    nearest = np.full(len(x), -1, np.int64)
    for start in range(0, len(flat), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        squared = squares[None, :] - 2 * (flat[block] @ flat.T)
        squared[y[block, None] == y[None, :]] = np.inf
        found = np.isfinite(squared).any(1)
        nearest[block] = np.where(found, squared.argmin(1), -1)
    rows = np.flatnonzero(nearest >= 0)
    return rows, nearest[rows]


def close_pairs(x: Images, y: Labels, limits: Limits) -> Iterator[tuple[int, int]]:
    """Yield every pair (i, j), i < j, of rows with different labels that are below both limits.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    limits : Limits
    """
    for earlier, later in _candidates(x, y, limits.distance):
        for start in range(0, len(earlier), _PAIRS_AT_ONCE):
            i, j = earlier[start : start + _PAIRS_AT_ONCE], later[start : start + _PAIRS_AT_ONCE]
            distance, clipped = _measure(x, i, j)
            close = (distance < limits.distance) & (clipped < limits.clipped)
            yield from zip(i[close].tolist(), j[close].tolist(), strict=True)


def _candidates(x: Images, y: Labels, limit: float) -> Iterator[tuple[Rows, Rows]]:
    """Yield, a block of rows at a time, the pairs that the sketches do not rule out."""
    sketches = sketch(x)
    sketches -= sketches.mean(0)  # small numbers keep float32 exact enough
    squares = (sketches**2).sum(1)
    slack = (limit + 1) ** 2  # of rounding; the pairs are measured in full afterwards
    for start in range(0, len(sketches), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, the rows of this block against it and all rows after it
        squared = sketches[start:] @ (-2 * sketches[block].T)
        squared += squares[start:, None]
        squared += squares[None, block]
        later, earlier = np.nonzero(squared < slack)
        ok = (later > earlier) & (y[start + later] != y[start + earlier])
        yield start + earlier[ok], start + later[ok]


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


def _measure(x: Images, i: Rows, j: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the distance and the clipped distance of each pair (i, j) of rows."""
    difference = np.abs(x[i].astype(np.int32) - x[j]).reshape(len(i), prod(x.shape[1:]))
    clipped = np.minimum(difference, CLIP)
    return np.sqrt((difference**2).sum(1, dtype=np.float64)), np.sqrt((clipped**2).sum(1, dtype=np.float64))
