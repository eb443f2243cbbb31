"""How the rows of a class vary: one pass over its features, for any basis that they are looked at in.

The scatter of `features @ basis` is `basis.T @ scatter @ basis`, and a projection on one of its axes that
of the features on `basis @ axis`. So features are never whitened row by row, and a basis more costs
D^3, whatever the rows are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from boomerang.blocks import slices
from boomerang.manifest import Rows
from processing.defenses.common.base import Features
from processing.defenses.common.whitening import Matrix

_BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Scatter:
    """Where rows lie, and how they vary.

    Attributes
    ----------
    mean : float64[D]
    matrix : float64[D, D]
        The sum of the outer products of the centered rows.
    rows : int
        How many they are.
    """

    mean: Matrix
    matrix: Matrix
    rows: int

    def without(self, some: Scatter) -> Scatter:
        """Return that of the other rows, of which there is at least one: nothing is read again."""
        rows, off = self.rows - some.rows, some.mean - self.mean
        between = some.rows * self.rows / rows * np.outer(off, off)
        return Scatter(self.mean - some.rows / rows * off, self.matrix - some.matrix - between, rows)

    def axes(self, basis: Matrix, most: int) -> Matrix:
        """Return float64[D, k], the principal axes in a basis, the widest first; multiply features by them.

        Parameters
        ----------
        basis : float64[D, D]
            As `processing.defenses.common.whitening.whitener` gives it.
        most : int
            Axes that are kept, as far as there are so many.
        """
        # The eigenvectors of the scatter matrix are the right singular vectors, at D^3 instead of n D^2.
        widest = np.linalg.eigh(basis.T @ self.matrix @ basis)[1][:, ::-1]
        return np.asarray(basis @ widest[:, :most])

    def along(self, axes: Matrix, features: Features, rows: Rows | None = None) -> Matrix:
        """Return float64[n, k], features less the mean, some rows or all of them, along float64[D, k]."""
        out = np.empty((len(features) if rows is None else len(rows), axes.shape[1]))
        for part, wide in _wide(features, rows):
            out[part] = np.subtract(wide, self.mean, out=wide) @ axes
        return out


def scatter(features: Features, rows: Rows | None = None) -> Scatter:
    """Return the scatter of some rows of float32[N, D], at least one, or of all of them."""
    dimensions, count = features.shape[1], len(features) if rows is None else len(rows)
    about, total = np.zeros(dimensions), np.zeros(dimensions)
    matrix = np.zeros((dimensions, dimensions))
    for part, wide in _wide(features, rows):
        # About the mean of the first block, which is near that of all: nothing large is subtracted below.
        about = about if part.start else wide.mean(0)
        centered = np.subtract(wide, about, out=wide)
        total += centered.sum(0)
        matrix += centered.T @ centered
    return Scatter(about + total / count, matrix - np.outer(total, total) / count, count)


def _wide(features: Features, rows: Rows | None) -> Iterator[tuple[slice, Matrix]]:
    """Give rows in blocks, float64[b, D], which are the caller's own, and where each block stands."""
    for part in slices(len(features) if rows is None else len(rows), _BLOCK_ROWS):
        yield part, features[part if rows is None else rows[part]].astype(np.float64)
