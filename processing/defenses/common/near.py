"""Pairs of images that are nearly the same, found without comparing all pixels.

Two measures decide, because a stamped trigger changes few values by much and an independent picture
changes most of them: the Euclidean distance, and the clipped distance, in which no value counts for
more than `CLIP` levels. A copy with a patch on it is close in the second and not far in the first.

Which pairs to measure is told by sketches (`processing.defenses.common.sketch`), whose distances are never
larger than those of the images. Up to `EXACT_ROWS` rows the sketches of all are compared with each other,
and no pair within the limits is missed. Of more rows those are compared that one of `TREES` random trees
puts into the same leaf (`processing.defenses.common.forest`): the work grows with the rows and not with
their square, and a pair may be missed. Of stamped copies among 100,000 rows as many were found as where all
are compared (docs/benchmarks.md).

Whoever makes the rows could make all of them pass that. So a row is measured in full with no more than the
`MOST_MEASURED` nearest of those before it, and asks no further tree once it has so many. A row that has more
is said to be cut short; honest sets of pictures that look alike, as of digits, have some.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boomerang.blocks import let_go, slices
from boomerang.manifest import Bools, Images, Labels, Rows
from processing.defenses.common.forest import leaves
from processing.defenses.common.sketch import Sketch, sketched

CLIP = 32
EXACT_ROWS = 16_384
TREES = 12
MOST_MEASURED = 64
_BLOCK_ROWS = 256
_PAIRS_AT_ONCE = 256  # which a cache holds
# Of the least distance in the clean sample; at 1 the sketches leave many times as many pairs to be
# measured in full. It bounds the size of a patch whose copies are found.
_REACH = 0.75


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
    for block in slices(len(flat), _BLOCK_ROWS):
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
        Rows that were not measured with every row before them that their sketches are near to.
    indexed : bool
        Whether there were too many rows to compare the sketches of all.
    """

    short: set[int] = field(default_factory=set)
    indexed: bool = False


class Pairs(NamedTuple):
    """Rows to be measured with each other, in the order of the later one.

    Attributes
    ----------
    earlier, later : int64[P]
    apart : float32[P]
        How far apart their sketches are, squared.
    """

    earlier: Rows
    later: Rows
    apart: npt.NDArray[np.float32]


def close_pairs(
    x: Images,
    y: Labels,
    limits: Limits,
    found: Close | None = None,
    *,
    rows: Rows | None = None,
    seed: int = 0,
) -> Iterator[tuple[Rows, Rows]]:
    """Yield the pairs i, j, i < j, of rows with different labels that are below both limits, some at a time.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Mapped or not; it is gone through in blocks.
    y : int64[N]
    limits : Limits
    found : Close, optional
        Takes what was not compared.
    rows : int64[n], optional
        Ascending; only these are compared.
    seed : int
        Of the trees.

    Yields
    ------
    int64[P], int64[P]
        Rows of `x`.
    """
    found = Close() if found is None else found
    among = np.arange(len(y)) if rows is None else rows
    points, labels = sketched(x, among), y[among]
    found.indexed = len(among) > EXACT_ROWS
    candidates = (
        _of_trees(points, labels, limits.distance, found, np.random.default_rng(seed))
        if found.indexed
        else _of_all(points, labels, limits.distance, found)
    )
    for pairs in candidates:
        earlier, later = among[pairs.earlier], among[pairs.later]
        for part in slices(len(later), _PAIRS_AT_ONCE):
            close = _are_close(x, earlier[part], later[part], limits)
            yield earlier[part][close], later[part][close]
            let_go(x)
    found.short = {int(among[row]) for row in found.short}


def _of_all(points: Sketch, y: Labels, limit: float, found: Close) -> Iterator[Pairs]:
    """Yield, a block of rows at a time, the pairs that the sketches do not rule out."""
    for block in slices(len(points), _BLOCK_ROWS):
        yield _within(points, y, np.arange(block.start, block.stop), np.arange(block.stop), limit, found)


def _of_trees(
    points: Sketch, y: Labels, limit: float, found: Close, rng: np.random.Generator
) -> Iterator[Pairs]:
    """Yield those of the pairs that a tree puts into one leaf; a row that has enough asks no further tree."""
    columns = np.ascontiguousarray(points.T)
    known, asks = _joined([]), np.ones(len(y), bool)
    for _ in range(TREES):
        new = [
            _within(points, y, leaf[asks[leaf]], leaf, limit, found)
            for leaf in leaves(columns, rng)
            if asks[leaf].any()
        ]
        known = _nearest(_joined([known, *new]), found)
        asks = np.bincount(known.later, minlength=len(y)) < MOST_MEASURED
    yield known


def _within(points: Sketch, y: Labels, later: Rows, earlier: Rows, limit: float, found: Close) -> Pairs:
    """Return of all pairs of two sets of rows those within the limit, and of each later row the nearest."""
    one, other = points[later], points[earlier]
    squares, others = (np.einsum("nd,nd->n", part, part) for part in (one, other))
    # |a - b|^2 = |a|^2 - 2ab + |b|^2, all of it in one product.
    apart = (
        np.column_stack([one * -2, squares, np.ones_like(squares)])
        @ np.column_stack([other, np.ones_like(others), others]).T
    )
    rounding = 1e-6 * float(squares.max(initial=0) + others.max(initial=0))
    near = apart < (limit + 1) ** 2 + rounding  # the pairs are measured in full afterwards
    if np.count_nonzero(near) > MOST_MEASURED * len(later):
        near &= (y[later, None] != y[earlier]) & (later[:, None] > earlier)
        many = np.flatnonzero(near.sum(1) > MOST_MEASURED)
        found.short.update(later[many].tolist())
        far = np.where(near[many], apart[many], np.inf)
        near[many] = False
        nearest = np.argpartition(far, MOST_MEASURED - 1, axis=1)[:, :MOST_MEASURED] if len(many) else far
        near[many[:, None], nearest.astype(np.intp)] = True
    i, j = np.nonzero(near)
    ok = (later[i] > earlier[j]) & (y[later[i]] != y[earlier[j]])
    i, j = i[ok], j[ok]
    return Pairs(earlier[j], later[i], np.maximum(apart[i, j], 0))


def _joined(parts: list[Pairs]) -> Pairs:
    """Return the pairs of all parts, each once, by the later row and then by the earlier."""
    none = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    earlier, later, apart = (np.concatenate(arrays) for arrays in zip(none, *parts, strict=True))
    _, first = np.unique(later << 32 | earlier, return_index=True)
    return Pairs(earlier[first], later[first], apart[first])


def _nearest(pairs: Pairs, found: Close) -> Pairs:
    """Return the nearest of each later row; note the rows that have more."""
    place = np.arange(len(pairs.later)) - np.searchsorted(pairs.later, pairs.later)
    if not len(place) or int(place.max()) < MOST_MEASURED:
        return pairs
    found.short.update(np.unique(pairs.later[place >= MOST_MEASURED]).tolist())
    # Of floats that are not negative, the larger has the larger bits.
    order = np.argsort(pairs.later << 32 | pairs.apart.view(np.uint32), kind="stable")
    near = np.sort(order[place < MOST_MEASURED])
    return Pairs(pairs.earlier[near], pairs.later[near], pairs.apart[near])


def _are_close(x: Images, i: Rows, j: Rows, limits: Limits) -> Bools:
    """Return bool[P]: which pairs of rows are below both limits."""
    # A strip of two images is no further apart than the images: of noise it tells enough.
    strip = slice(x.shape[1] // 3, x.shape[1] // 3 + max(1, x.shape[1] // 6))
    close = _norms(_difference(x[:, strip], i, j)) < limits.distance
    difference = _difference(x, i[close], j[close])
    near = _norms(difference) < limits.distance
    near[near] = _norms(np.minimum(difference[near], CLIP)) < limits.clipped
    close[close] = near
    return close


def _difference(x: Images, i: Rows, j: Rows) -> Images:
    """Return uint8[P, D]: how far apart the values of each pair (i, j) of rows are."""
    one, other = (x[rows].reshape(len(rows), prod(x.shape[1:])) for rows in (i, j))
    return np.asarray(np.maximum(one, other) - np.minimum(one, other))


def _norms(values: Images) -> npt.NDArray[np.float64]:
    """Return the Euclidean length of each row of uint8[P, D]."""
    squares = values.astype(np.uint16)  # at most 255 * 255 = 65025
    squares *= squares
    return np.asarray(np.sqrt(squares.sum(1, dtype=np.int64)), np.float64)
