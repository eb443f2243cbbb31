"""Pairs of images that are nearly the same, found without comparing all pixels.

Two measures decide, because a stamped trigger changes few values by much and an independent picture
changes most of them: the Euclidean distance, and the clipped distance, in which no value counts for
more than `CLIP` levels. A copy with a patch on it is close in the second and not far in the first.

Averaging blocks of pixels cannot increase a distance: the distance between two images is at least
that between their block means, scaled by the root of the block's size. So the means of an 8 x 8 grid
rule out nearly every pair by one matrix product, those of a finer grid nearly all of the rest, and no pair
within the limits is missed.

Whoever makes the rows could make all of them pass that. So a row is compared with no more than `MOST_BEFORE`
rows before it, by the finer grid with the `MOST_SKETCHED` nearest of these, and in full with the
`MOST_MEASURED` nearest of those. A row that has more is said to be cut short; honest sets hardly have one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images, Labels, Rows

CLIP = 32
MOST_BEFORE = 65_536
MOST_SKETCHED = 4_096
MOST_MEASURED = 128
_GRID, _FINE_GRID = 8, 16
_BLOCK_ROWS = 256
_PAIRS_AT_ONCE = 256  # which a cache holds
# Of the least distance in the clean sample; at 1 the sketches leave many times as many pairs to be
# measured in full. It bounds the size of a patch whose copies are found.
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
    difference = _difference(x, rows, nearest)
    distance, clipped = _norms(difference), _norms(np.minimum(difference, CLIP))
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


@dataclass
class Close:
    """What `close_pairs` has found out.

    Attributes
    ----------
    short : set of int
        Rows that were not compared with every row before them.
    """

    short: set[int] = field(default_factory=set)

    @property
    def bounded(self) -> bool:
        """Whether a pair may have been missed."""
        return bool(self.short)


def close_pairs(
    x: Images, y: Labels, limits: Limits, found: Close | None = None
) -> Iterator[tuple[int, int]]:
    """Yield the pairs (i, j), i < j, of rows with different labels that are below both limits.

    All of them, but for rows that were cut short.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    limits : Limits
    found : Close, optional
        Takes the rows that were cut short.
    """
    for earlier, later in _candidates(x, y, limits.distance, found or Close()):
        for start in range(0, len(earlier), _PAIRS_AT_ONCE):
            i, j = earlier[start : start + _PAIRS_AT_ONCE], later[start : start + _PAIRS_AT_ONCE]
            difference = _difference(x, i, j)
            close = _norms(difference) < limits.distance
            close[close] = _norms(np.minimum(difference[close], CLIP)) < limits.clipped
            yield from zip(i[close].tolist(), j[close].tolist(), strict=True)


def _candidates(x: Images, y: Labels, limit: float, found: Close) -> Iterator[tuple[Rows, Rows]]:
    """Yield, a block of rows at a time, the pairs that the sketches do not rule out."""
    sketches, fine = sketch(x), sketch(x, _FINE_GRID)
    sketches -= sketches.mean(0)  # small numbers keep float32 exact enough
    squares = (sketches**2).sum(1)
    slack = (limit + 1) ** 2  # of rounding; the pairs are measured in full afterwards
    for start in range(0, len(sketches), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(sketches))
        first = max(0, start - MOST_BEFORE)
        if first:
            found.short.update(range(start, stop))
        # |a - b|^2 = |a|^2 - 2ab + |b|^2, the rows of this block against it and the rows before it
        squared = sketches[start:stop] @ (-2 * sketches[first:stop].T)
        squared += squares[start:stop, None]
        squared += squares[None, first:stop]
        later, earlier = np.nonzero(squared < slack)
        ok = (start + later > first + earlier) & (y[start + later] != y[first + earlier])
        apart, earlier, later = squared[later, earlier][ok], first + earlier[ok], start + later[ok]
        earlier, later = _nearest(apart, earlier, later, MOST_SKETCHED, found)
        apart = _squared(fine, earlier, later)
        near = apart < slack
        yield _nearest(apart[near], earlier[near], later[near], MOST_MEASURED, found)


def _squared(sketches: Sketch, i: Rows, j: Rows) -> npt.NDArray[np.float32]:
    """Return the squared distance of each pair (i, j) of sketches."""
    out = np.empty(len(i), np.float32)
    for start in range(0, len(i), _PAIRS_AT_ONCE):
        pairs = slice(start, start + _PAIRS_AT_ONCE)
        difference = sketches[i[pairs]] - sketches[j[pairs]]
        out[pairs] = np.einsum("pd,pd->p", difference, difference)
    return out


def _nearest(
    apart: npt.NDArray[np.float32], earlier: Rows, later: Rows, most: int, found: Close
) -> tuple[Rows, Rows]:
    """Return of pairs, ascending by the later row, the nearest of each later row; note the rows with more."""
    place = np.arange(len(later)) - np.searchsorted(later, later)
    if not len(later) or int(place.max()) < most:
        return earlier, later
    order = np.lexsort((apart, later))
    found.short.update(np.unique(later[place >= most]).tolist())
    near = np.sort(order[place < most])
    return earlier[near], later[near]


def sketch(x: Images, grid: int = _GRID) -> Sketch:
    """Return float32[N, grid * grid], whose Euclidean distances never exceed those of the images.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Sides that the grid does not divide are split as evenly as can be.
    grid : int
        Blocks a side; of a smaller image its pixels.
    """
    rows, columns = _edges(x.shape[1], grid), _edges(x.shape[2], grid)
    cells = []
    for top, bottom in rows:
        for left, right in columns:
            pixels = x[:, top:bottom, left:right].reshape(len(x), -1)
            cells.append(pixels.mean(1, dtype=np.float32) * np.sqrt(pixels.shape[1]))
    return np.asarray(np.stack(cells, axis=1), np.float32)


def _edges(side: int, grid: int) -> list[tuple[int, int]]:
    cuts = np.linspace(0, side, min(grid, side) + 1).round().astype(int).tolist()
    return list(pairwise(cuts))


def _difference(x: Images, i: Rows, j: Rows) -> Images:
    """Return uint8[P, D]: how far apart the values of each pair (i, j) of rows are."""
    one, other = (x[rows].reshape(len(rows), prod(x.shape[1:])) for rows in (i, j))
    return np.asarray(np.maximum(one, other) - np.minimum(one, other))


def _norms(values: Images) -> npt.NDArray[np.float64]:
    """Return the Euclidean length of each row of uint8[P, D]."""
    squares = values.astype(np.uint16)  # at most 255 * 255 = 65025
    squares *= squares
    return np.asarray(np.sqrt(squares.sum(1, dtype=np.int64)), np.float64)
