"""Two groups of unit covariance among points: a mixture, and what it says of a point that had no part in it.

Unlike 2-means a mixture knows that a group may be small. A group of 1% of the points costs the rest next to
nothing and each of its own log 100, so that it is rather set apart than a long cloud cut in two.

In many dimensions a point is near to every mean that it helped to make: five points drawn at random in 128
dimensions, taken for a group, lie five deviations from all the others. So what two groups explain is measured
with each point judged by the means as they are without it. And no point that shaped groups should be scored
along them: what was picked because it sticks out does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from processing.defenses.common.base import Scores
from processing.defenses.common.whitening import Matrix

_AXES = 8
_TIP = 0.01
_LEAST_TIP = 3
_MOST_STEPS = 40
_SETTLED = 1e-3
_LEAST = 1e-3  # points that a group without one of its own has at least; it is far from everything then


@dataclass(frozen=True)
class Groups:
    """A mixture of two groups, N(c_0, I) and N(c_1, I).

    Attributes
    ----------
    centers : float64[2, k]
    sizes : float64[2]
        Points in each, by the sum of their probabilities.
    member : float64[n]
        How probably a point is in the second group, 0..1.
    gain : float
        Log-likelihood for each point over that of one group, judged by means without it.
    """

    centers: Matrix
    sizes: Matrix
    member: Scores
    gain: float

    def swapped(self) -> Groups:
        """Return the same groups in the other order."""
        return Groups(self.centers[::-1], self.sizes[::-1], 1 - self.member, self.gain)

    def members(self, points: Matrix) -> Scores:
        """Return float64[m], how probably further points are in the second group, 0..1."""
        first, second = _squares(points, self.centers)
        odds = np.log(self.sizes[1] / self.sizes[0]) + (first - second) / 2
        return np.asarray(_logistic(odds))

    def along(self, points: Matrix) -> Scores:
        """Return float64[m], how far from the first center towards the second one further points lie.

        In standard deviations of a group. It is the log-likelihood ratio of the two groups but for an
        offset and a factor that are the same for all points.
        """
        way = self.centers[1] - self.centers[0]
        length = max(float(np.linalg.norm(way)), np.finfo(float).tiny)
        return np.asarray((points - self.centers[0]) @ (way / length))


def candidates(points: Matrix) -> list[Groups]:
    """Return the two groups that EM finds from several starts: the tips of the longest axes, either end.

    Parameters
    ----------
    points : float64[n, k], n at least 4
        In units of a group's deviation.
    """
    n = len(points)
    centered = points - points.mean(0)
    axes = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :_AXES]
    order = np.argsort(centered @ axes, axis=0, kind="stable")
    tip = min(max(_LEAST_TIP, round(_TIP * n)), n // 2)
    member = np.zeros((n, 2 * axes.shape[1]))
    for start in range(axes.shape[1]):
        member[order[:tip, start], 2 * start] = 1
        member[order[-tip:, start], 2 * start + 1] = 1
    for _ in range(_MOST_STEPS):
        first, second, sizes = _means(points, member)
        axis = second - first
        offset = np.log(sizes[1] / sizes[0]) - ((second**2).sum(1) - (first**2).sum(1)) / 2
        moved = _logistic(points @ axis.T + offset)
        step = float(np.abs(moved - member).max())
        member = moved
        if step < _SETTLED:
            break
    first, second, sizes = _means(points, member)
    found = []
    for i in range(member.shape[1]):
        groups = Groups(np.stack([first[i], second[i]]), sizes[:, i], member[:, i], 0.0)
        found.append(Groups(groups.centers, groups.sizes, groups.member, _gain(points, groups)))
    return found


def _gain(points: Matrix, groups: Groups) -> float:
    """Return what two groups explain beyond one, by means without the point in question."""
    n = len(points)
    mine = np.stack([1 - groups.member, groups.member])
    without = groups.sizes[:, None] / np.maximum(groups.sizes[:, None] - mine, _LEAST)
    squares = _squares(points, groups.centers) * without**2
    one = ((points - points.mean(0)) ** 2).sum(1) * (n / (n - 1)) ** 2
    shares = np.log(groups.sizes / n)[:, None]
    return float((np.logaddexp(*(shares - squares / 2)) + one / 2).mean())


def _means(points: Matrix, member: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return float64[S, k] twice, the centers, and float64[2, S], the sizes, for float64[n, S]."""
    n, total = len(points), points.sum(0)
    size = np.clip(member.sum(0), _LEAST, n - _LEAST)
    second = member.T @ points
    return (total - second) / (n - size)[:, None], second / size[:, None], np.stack([n - size, size])


def _squares(points: Matrix, centers: Matrix) -> Matrix:
    """Return float64[2, m], the squared distances to two centers."""
    return np.stack([((points - center) ** 2).sum(1) for center in centers])


def _logistic(odds: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def weighted_median(values: Scores, weights: Scores) -> float:
    """Return the least value up to which half the weight lies; of float64[n], the weights not all zero."""
    order = np.argsort(values, kind="stable")
    heavy = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heavy, heavy[-1] / 2)])
