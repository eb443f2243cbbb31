"""Which points lie near which, without a matrix of all pairs.

`nearest` is exact, a block of rows at a time: the work grows with the square of the rows, whoever made them,
and the memory does not. `nearest_of_trees` asks an index, whose work does not, and may miss some.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boomerang.blocks import slices
from boomerang.manifest import Rows
from processing.defenses.common.base import Features
from processing.defenses.common.forest import leaves
from processing.defenses.common.whitening import Matrix

_QUERIES_AT_ONCE, _POINTS_AT_ONCE = 512, 8192
_BLOCK_ROWS = 4096
_ROUNDING = 1e-6  # of float32, with room


class Neighbors(NamedTuple):
    """The nearest points of each row, the nearest first.

    Attributes
    ----------
    apart : float32[n, k]
        How far away.
    rows : int64[n, k]
        Rows of the points.
    """

    apart: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]


def nearest(
    queries: Matrix | Features,
    points: Matrix | Features,
    k: int,
    *,
    among: Rows | None = None,
    itself: Rows | None = None,
) -> Neighbors:
    """Return the k nearest points of every query, Euclidean.

    Parameters
    ----------
    queries : float[n, D]
    points : float[N, D]
    k : int
        As many columns come back as there are points, where they are fewer.
    among : int64[m], optional
        Only these points are looked at.
    itself : int64[n], optional
        Which point a query is itself, and is not asked about; -1 for none. Their number counts as one less
        for all queries.
    """
    among = np.arange(len(points)) if among is None else among
    columns = max(0, min(k, len(among) - (itself is not None)))
    center = points[among[:_POINTS_AT_ONCE]].mean(0) if len(among) else 0.0  # nothing large cancels below
    apart = np.full((len(queries), columns), np.inf, np.float32)
    rows = np.full((len(queries), columns), -1, np.int64)
    for block in slices(len(queries) if columns else 0, _QUERIES_AT_ONCE):
        query = (queries[block] - center).astype(np.float32)
        own = None if itself is None else itself[block, None]
        for part in slices(len(among), _POINTS_AT_ONCE):
            tile = among[part]
            squared = _squared(query, (points[tile] - center).astype(np.float32))
            if own is not None:
                squared[own == tile] = np.inf
            near = _least(squared, columns)
            known = np.concatenate([apart[block], np.take_along_axis(squared, near, axis=1)], axis=1)
            names = np.concatenate([rows[block], tile[near]], axis=1)
            best = _least(known, columns)
            apart[block] = np.take_along_axis(known, best, axis=1)
            rows[block] = np.take_along_axis(names, best, axis=1)
        order = np.argsort(apart[block], axis=1, kind="stable")
        apart[block] = np.take_along_axis(apart[block], order, axis=1)
        rows[block] = np.take_along_axis(rows[block], order, axis=1)
    return Neighbors(np.sqrt(apart), rows)


def nearest_of_trees(
    points: Features, k: int, among: Rows, trees: int, rng: np.random.Generator
) -> Neighbors:
    """Return the k nearest of every point among those that one of some random trees puts into its leaf.

    Parameters
    ----------
    points : float32[N, D]
    k : int
    among : int64[m]
        Only these points are neighbors, and none is its own.
    trees : int
        See `processing.defenses.common.forest`.
    rng : numpy.random.Generator

    Returns
    -------
    Neighbors
        Infinitely far, and the row -1, where there are fewer than k.
    """
    known = Neighbors(np.full((len(points), k), np.inf, np.float32), np.full((len(points), k), -1, np.int64))
    asked = np.isin(np.arange(len(points)), among)
    columns = np.ascontiguousarray(points.T, np.float32)
    for _ in range(trees):
        for leaf in leaves(columns, rng):
            new = nearest(points[leaf], points, k, among=leaf[asked[leaf]], itself=leaf)
            again = (new.rows[:, :, None] == known.rows[leaf][:, None]).any(2)
            apart = np.concatenate([known.apart[leaf], np.where(again, np.inf, new.apart)], axis=1)
            rows = np.concatenate([known.rows[leaf], new.rows], axis=1)
            order = np.argsort(apart, axis=1, kind="stable")[:, :k]
            known.apart[leaf] = np.take_along_axis(apart, order, axis=1)
            known.rows[leaf] = np.take_along_axis(rows, order, axis=1)
    return known


def _least(values: Features, most: int) -> npt.NDArray[np.intp]:
    """Return int64[n, k], the columns of the least values of each row, in no order; of few all."""
    if values.shape[1] <= most:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return np.asarray(np.argpartition(values, most - 1, axis=1)[:, :most])


def _squared(one: Features, other: Features) -> Features:
    """Return float32[n, m], |a - b|² = |a|² - 2ab + |b|², never below 0."""
    squares, others = (np.einsum("nd,nd->n", part, part) for part in (one, other))
    squared = (-2 * one) @ other.T
    squared += squares[:, None]
    squared += others
    return np.asarray(np.maximum(squared, 0, out=squared))


def to_centers(features: Features, basis: Matrix, centers: Matrix, rows: Rows | None = None) -> Matrix:
    """Return float64[n, K], how far rows lie from each of some centers, in a basis.

    What is less than rounding can be is 0, so that features which never vary lie nowhere but there.

    Parameters
    ----------
    features : float32[N, D]
    basis : float64[D, d]
        As `processing.defenses.common.whitening.whitener` gives it.
    centers : float64[K, D]
        Among the features, not in the basis.
    rows : int64[n], optional
        All without it.
    """
    rows = np.arange(len(features)) if rows is None else rows
    out = np.empty((len(rows), len(centers)))
    placed = centers @ basis
    for part in slices(len(rows), _BLOCK_ROWS):
        block = features[rows[part]].astype(np.float64) @ basis
        size = np.linalg.norm(block, axis=1)
        for column, center in enumerate(placed):
            distance = np.linalg.norm(block - center, axis=1)
            distance[distance <= _ROUNDING * size] = 0
            out[part, column] = distance
    return out


def differ(features: Features, rows: Rows) -> bool:
    """Whether any two of some rows of float32[N, D] differ."""
    first = features[rows[:1]]
    return any((features[rows[part]] != first).any() for part in slices(len(rows), _BLOCK_ROWS))


def mean_of(features: Features, rows: Rows) -> Matrix:
    """Return float64[D], the mean of some rows, at least one, of float32[N, D]."""
    total = np.zeros(features.shape[1])
    for part in slices(len(rows), _BLOCK_ROWS):
        total += features[rows[part]].sum(0, dtype=np.float64)
    return total / len(rows)
