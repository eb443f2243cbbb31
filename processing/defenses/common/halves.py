"""Two clusters of points: 2-means from several starts at once, and how well the two are apart.

The starts and the stopping rule are those of scikit-learn's KMeans, so its clusters are found. With two
centers a point's side is the sign of one product, so that all starts together take a step in two products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boomerang.blocks import slices
from boomerang.manifest import Bools
from processing.defenses.common.whitening import Matrix

_STARTS = 10
_MOST_STEPS = 300
_TOLERANCE = 1e-4  # of the points' mean variance
_SILHOUETTE_ROWS = 2000
_BLOCK_ROWS = 500


@dataclass(frozen=True)
class Halves:
    """Two centers.

    Attributes
    ----------
    centers : float64[2, k]
    """

    centers: Matrix

    def distances(self, points: Matrix) -> Matrix:
        """Return float64[n, 2], how far points float64[n, k] are from each center."""
        return np.stack([np.sqrt(((points - center) ** 2).sum(1)) for center in self.centers], axis=1)


def halves(points: Matrix, seed: int) -> Halves:
    """Return the best of several local optima of 2-means.

    Parameters
    ----------
    points : float64[n, k], at least two that differ
    seed : int
        Of the starts.
    """
    from sklearn.cluster import kmeans_plusplus

    mean = points.mean(0)
    points = points - mean
    random = np.random.RandomState(seed)
    starts = [kmeans_plusplus(points, 2, random_state=random)[0] for _ in range(_STARTS)]
    centers = np.stack(starts, axis=1)  # float64[2, S, k]
    going, sides = np.arange(_STARTS), np.zeros((len(points), _STARTS), bool)
    for _ in range(_MOST_STEPS):
        now = _sides(points, centers[:, going])
        same = (now == sides[:, going]).all(0)
        sides[:, going] = now
        moved = _centers(points, now)
        shift = ((moved - centers[:, going]) ** 2).sum((0, 2))
        centers[:, going] = moved
        going = going[~same & (shift > _TOLERANCE * points.var(0).mean())]
        if not len(going):
            break
    sides = _sides(points, centers)
    # What is lost is the same for all starts but for what the centers take of it.
    sizes = np.stack([(~sides).sum(0), sides.sum(0)])
    offsets = ((_centers(points, sides) - centers) ** 2).sum(2)
    taken = (sizes * ((_centers(points, sides) ** 2).sum(2) - offsets)).sum(0)
    return Halves(centers[:, int(taken.argmax())] + mean)


def _sides(points: Matrix, centers: Matrix) -> Bools:
    """Return bool[n, S], whether points are nearer to the second of two centers, of S starts."""
    one, other = centers
    return np.asarray(points @ (other - one).T > ((other**2).sum(1) - (one**2).sum(1)) / 2)


def _centers(points: Matrix, sides: Bools) -> Matrix:
    """Return float64[2, S, k], the mean of the points on each side."""
    count, total = sides.sum(0)[:, None], points.sum(0)
    second = sides.T.astype(np.float64) @ points
    rest = np.maximum(len(points) - count, 1)
    return np.stack([(total - second) / rest, second / np.maximum(count, 1)])


def silhouette(points: Matrix, small: Bools, seed: int) -> float:
    """Return the mean silhouette of two clusters; 0 where a cluster of one row leaves nothing to compare.

    Of many points that of some of them, drawn by the seed.
    """
    if small.sum() < 2:
        return 0.0
    size = min(len(points), _SILHOUETTE_ROWS)  # all pairs of a large class would take long
    rows = np.random.default_rng(seed).choice(len(points), size, replace=False)
    one, side = points[rows], small[rows]
    counts = np.array([(~side).sum(), side.sum()])
    if not counts.all():
        return 0.0
    own = side.astype(np.intp)
    total, member = 0.0, np.stack([~side, side], axis=1).astype(np.float64)
    squares = (one**2).sum(1)
    for part in slices(size, _BLOCK_ROWS):
        squared = squares[part, None] + squares - 2 * (one[part] @ one.T)
        squared[np.arange(len(squared)), np.arange(part.start, part.stop)] = 0
        sums = np.sqrt(np.maximum(squared, 0, out=squared), out=squared) @ member
        at = np.arange(len(sums)), own[part]
        within = sums[at] / np.maximum(counts[own[part]] - 1, 1)
        between = sums[at[0], 1 - at[1]] / counts[1 - own[part]]
        most = np.maximum(within, between)
        alone = (counts[own[part]] == 1) | (most == 0)
        total += float(np.where(alone, 0, (between - within) / np.where(most == 0, 1, most)).sum())
    return total / size
