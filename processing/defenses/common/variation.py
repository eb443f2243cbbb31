"""How classes differ from each other, and rows from others of their class: two covariances, by EM.

A row is taken to be the sum of what its class is, N(0, S_u), and of what is its own, N(0, S_e), with S_e the
same in all classes (Chen et al. 2012, Bayesian face revisited; Tang et al. 2021, section 4.2). Against the
mean of each class and the scatter about it that makes a difference where a class has few rows: their mean
is drawn towards the mean of all by as much as it cannot be trusted. As published the M-step takes what is
expected of a class for what it is, so that S_u comes out too small where rows are few; only S_e is used here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boomerang.manifest import Labels
from processing.defenses.common.whitening import Matrix

_MOST_STEPS = 100
_TOLERANCE = 1e-5
_FLOOR = 1e-6  # of the largest variance


@dataclass(frozen=True)
class Variation:
    """Two covariances.

    Attributes
    ----------
    between : float64[k, k]
        S_u, of what classes are.
    within : float64[k, k]
        S_e, of rows about what their class is.
    """

    between: Matrix
    within: Matrix

    def whitener(self) -> Matrix:
        """Return float64[k, k] after which rows of one class have unit covariance: `points @ whitener`.

        With W for it, W W' is F, the inverse of S_e.
        """
        variances, axes = np.linalg.eigh(self.within)
        return np.asarray(axes / np.sqrt(np.maximum(variances, _FLOOR * variances.max())))


def variation(points: Matrix, y: Labels) -> Variation:
    """Return how rows of clean classes vary.

    Parameters
    ----------
    points : float64[M, k]
    y : int64[M]

    Notes
    -----
    The last S_e is shrunk towards a multiple of the identity as far as few rows demand it (Ledoit and
    Wolf 2004): with fewer rows than dimensions it would have no inverse. Where no class has two rows that
    differ there is nothing to learn, and S_e is the identity.
    """
    from sklearn.covariance import ledoit_wolf

    labels, at, counts = np.unique(y, return_inverse=True, return_counts=True)
    centered = points - points.mean(0) if len(points) else points
    about = centered - _means(centered, at, counts)[at]
    if not np.any(about):
        return Variation(np.zeros((points.shape[1],) * 2), np.eye(points.shape[1]))
    means, total = _means(centered, at, counts), centered.T @ centered
    sums = means * counts[:, None]
    between = within = np.zeros_like(total)
    for _ in range(_MOST_STEPS):
        between = means.T @ means / len(labels)
        crossed = means.T @ sums
        within = (total - crossed - crossed.T + (means.T * counts) @ means) / len(points)
        moved = _expected(sums, counts, between, within)
        step = float(np.abs(moved - means).max())
        means = moved
        if step <= _TOLERANCE * float(np.abs(means).max()):
            break
    within, _ = ledoit_wolf(centered - means[at], assume_centered=True)
    return Variation(between, np.asarray(within, np.float64))


def _means(points: Matrix, at: Labels, counts: Labels) -> Matrix:
    """Return float64[K, k], the mean of the rows of each class."""
    sums = np.zeros((len(counts), points.shape[1]))
    np.add.at(sums, at, points)
    return np.asarray(sums / counts[:, None])


def _expected(sums: Matrix, counts: Labels, between: Matrix, within: Matrix) -> Matrix:
    """Return float64[K, k], S_u (N_k S_u + S_e)^-1 times the sum of the rows, for each class."""
    means = np.zeros_like(sums)
    ridge = _FLOOR * float(np.trace(between + within)) / len(within) * np.eye(len(within))
    for count in np.unique(counts):
        mask = counts == count
        means[mask] = np.linalg.solve(count * between + within + ridge, sums[mask].T).T @ between
    return means
