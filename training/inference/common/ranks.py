"""At which rank among trusted rows, by distance, the nearest one of a row's own class comes; usual ranks."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import BLOCK_BYTES, slices
from boomerang.manifest import Bools, Labels
from training.architectures.common.inside import Floats

Matrix = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# A row is ranked among trusted rows of its class from so many on: leaving one out, two have a distance.
LEAST_ROWS = 3
# Squared distances below it, of the largest squared length, are those of equal rows, but for rounding.
_EQUAL = 1e-12
_FOLDS = 5
# Distances that differ further behind are the same but for rounding.
_PLACES = 12


@dataclass(frozen=True)
class Tube:
    """Trusted rows at one layer, each with the radius within which a row of its class belongs to it.

    Attributes
    ----------
    rows : float64[M, D]
        Less their mean.
    y : int64[M]
    mean : float64[D]
    equal : float
        Squared distances below it are 0.
    radius, radius_within : float64[M]
        Squared distance to the farthest of the nearer half of the other rows of the class; and where one of
        these is left out, as it is itself looked at. -1 for a row of a class of less than `LEAST_ROWS`.
    """

    rows: Matrix
    y: Labels
    mean: Scores
    equal: float
    radius: Scores
    radius_within: Scores

    def ranks(self, features: Floats, y: Labels) -> Scores:
        """Return float64[n], the rank of the nearest row of each row's class: 0 the first, 1 the last.

        It is the last for a row that is not within the radius of that nearest row, and where the class
        has less than `LEAST_ROWS` rows.

        Parameters
        ----------
        features : float32[n, D]
        y : int64[n]
        """
        return self._ranked(features.astype(np.float64) - self.mean, y, None)

    def ranks_within(self) -> Scores:
        """Return float64[M], the rank of each trusted row among the others, as if it were none of them."""
        return self._ranked(self.rows, self.y, np.arange(len(self.y)))

    def _ranked(self, x: Matrix, y: Labels, own: Rows | None) -> Scores:
        others = len(self.y) - (own is not None)
        radius = self.radius if own is None else self.radius_within
        out = np.ones(len(x))
        if others < 1:
            return out
        for part in slices(len(x), _at_once(len(self.y))):
            squared = _squared(x[part], self.rows, self.equal)
            if own is not None:
                squared[np.arange(len(squared)), own[part]] = np.inf
            of_class = np.where(self.y == y[part, None], squared, np.inf)
            nearest = of_class.argmin(1)
            least = of_class[np.arange(len(squared)), nearest]
            inside = (least <= radius[nearest]) & np.isfinite(least)
            out[part] = np.where(inside, (squared < least[:, None]).sum(1) / max(1, others - 1), 1.0)
        return out


def tube(features: Floats, y: Labels) -> Tube:
    """Return what ranks are taken among.

    Parameters
    ----------
    features : float32[M, D], finite
        Of trusted rows.
    y : int64[M]
    """
    rows = features.astype(np.float64)
    equal = _EQUAL * float((rows**2).sum(1).max(initial=0))
    mean = rows.mean(0) if len(rows) else np.zeros(rows.shape[1])
    rows = rows - mean
    radius, within = np.full(len(y), -1.0), np.full(len(y), -1.0)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        if len(members) >= LEAST_ROWS:
            radius[members], within[members] = _radii(rows[members], equal)
    return Tube(rows, y, mean, equal, radius, within)


def known(y: Labels, trusted_y: Labels) -> Bools:
    """Return bool[N], whether a class has trusted rows enough to rank by, for each of int64[N] labels."""
    labels, counts = np.unique(trusted_y, return_counts=True)
    return np.isin(y, labels[counts >= LEAST_ROWS])


@dataclass(frozen=True)
class Plane:
    """Where usual sequences of ranks lie.

    Attributes
    ----------
    mean : float64[L]
    axes : float64[L, count]
        Orthonormal.
    """

    mean: Scores
    axes: Matrix

    @classmethod
    def of(cls, ranks: Matrix, count: int) -> Plane:
        """Return the plane of the first principal components of float64[n, L], one row or none too."""
        mean = ranks.mean(0) if len(ranks) else np.zeros(ranks.shape[1])
        return cls(mean, np.linalg.svd(ranks - mean, full_matrices=False)[2][:count].T)

    def distances(self, ranks: Matrix) -> Scores:
        """Return float64[n], squared distances of float64[n, L] from it."""
        off = ranks - self.mean
        return np.asarray(((off - off @ self.axes @ self.axes.T) ** 2).sum(1))


@dataclass(frozen=True)
class Planes:
    """The planes of rows in folds, each of the rows of all folds but one.

    Many clean rows have the same ranks, those of the first row everywhere. They are all as far from the plane
    of all rows, and a threshold from other planes could be a hair below that; the mean over these is not.

    Attributes
    ----------
    each : tuple of Plane
        Row i is not in number i modulo their number.
    """

    each: tuple[Plane, ...]

    @classmethod
    def of(cls, ranks: Matrix, count: int) -> Planes:
        """Return those of float64[n, L], as few as no rows."""
        folds = max(1, min(_FOLDS, len(ranks)))
        return cls(tuple(Plane.of(ranks[np.arange(len(ranks)) % folds != k], count) for k in range(folds)))

    def distances(self, ranks: Matrix) -> Scores:
        """Return float64[n], the mean over the planes of the squared distances of float64[n, L]."""
        return np.asarray(np.mean([plane.distances(ranks) for plane in self.each], axis=0).round(_PLACES))

    def own(self, ranks: Matrix) -> Scores:
        """Return float64[n], the squared distance of each of the rows from the plane that it is not in."""
        found = np.zeros(len(ranks))
        for k, plane in enumerate(self.each):
            found[k :: len(self.each)] = plane.distances(ranks[k :: len(self.each)])
        return found.round(_PLACES)


def _radii(rows: Matrix, equal: float) -> tuple[Scores, Scores]:
    """Return float64[n] each: squared radii of rows of a class, among all others and with one left out."""
    others = len(rows) - 1
    radius, within = np.zeros(len(rows)), np.zeros(len(rows))
    for part in slices(len(rows), _at_once(len(rows))):
        squared = _squared(rows[part], rows, equal)
        squared[np.arange(len(squared)), np.arange(part.start, part.stop)] = np.inf
        squared.sort(1)
        radius[part] = squared[:, ceil(others / 2) - 1]
        # A row that is among the nearer half is within the radius, with it and without it.
        within[part] = squared[:, ceil((others - 1) / 2) - 1]
    return radius, within


def _squared(one: Matrix, other: Matrix, equal: float) -> Matrix:
    """Return float64[n, m], squared distances; 0 where they are below `equal`."""
    found: Any = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * (one @ other.T)
    found[found <= equal] = 0
    return np.asarray(found)


def _at_once(columns: int) -> int:
    return max(1, BLOCK_BYTES // (8 * max(1, columns)))
