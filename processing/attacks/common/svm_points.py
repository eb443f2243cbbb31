"""Points against a support vector machine, each moved uphill on the loss of rows that the attacker watches.

The machine's answer is f(z) = sum of beta_i k(x_i, z) + b with beta_i = alpha_i y_i. How beta and b follow
when one row x_c moves comes from its optimality conditions, which are differentiated as they stand (Biggio,
Nelson & Laskov: Poisoning Attacks against Support Vector Machines, ICML 2012, section 3; Mei & Zhu, AAAI
2015): the rows on the margin stay on it, those within keep alpha = C, those outside keep 0. With S the rows
on the margin and g the slope of the loss in the answers for the watched rows V,

    [K_SS 1; 1' 0] [l; m] = [K_SV g; sum of g]

is solved once a step, whatever the number of pixels. Then the loss moves with k(x_c, z) by beta_c g_v for
each watched row z, by -l_s beta_c for each z on the margin, and where x_c is on the margin itself by
-l_c beta_i for each other row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
KernelName = Literal["rbf", "linear"]

# Steps are so many times as long after one that was taken, and after one that was not; when they are shorter
# than the last, a point has arrived.
_LONGER, _SHORTER, _SHORTEST = 1.5, 0.5, 0.02
# A row is on the margin if its alpha is farther than this from 0 and from C, as a share of C.
_AT_BOUND = 1e-7
# As exact as the differences of the loss that are compared.
_TOLERANCE = 1e-6
# Keeps the system solvable where rows on the margin are alike.
_RIDGE = 1e-9


@dataclass(frozen=True)
class Kernel:
    """The kernel of a machine: `linear` is the product, `rbf` is exp(-gamma |a - b|²)."""

    name: KernelName
    gamma: float = 1.0

    def __call__(self, a: Doubles, b: Doubles) -> Doubles:
        """Return float64[N, M] for float64[N, D] and float64[M, D]."""
        products: Doubles = a @ b.T
        if self.name == "linear":
            return products
        apart = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * products
        similar: Doubles = np.exp(-self.gamma * np.maximum(apart, 0))
        return similar

    def slope(self, x: Doubles, z: Doubles, values: Doubles, weights: Doubles) -> Doubles:
        """Return float64[D], the gradient in x of the sum of weights[i] * k(x, z[i]); values[i] is that k."""
        pulls = weights if self.name == "linear" else 2 * self.gamma * weights * values
        slope: Doubles = pulls @ z
        return slope if self.name == "linear" else slope - pulls.sum() * x

    def own_slope(self, x: Doubles) -> Doubles:
        """Return float64[D], the gradient of k(x, x)."""
        return 2 * x if self.name == "linear" else np.zeros_like(x)


@dataclass(frozen=True)
class Answer:
    """The machine with a point, and what it does.

    Attributes
    ----------
    point : float64[D]
    label : int
        1 or -1.
    kernel : float64[N + 1, N + 1]
        Of all rows, the point last.
    watched : float64[N + 1, V]
        Of all rows with the watched ones.
    beta : float64[N + 1]
    margins : float64[V]
        1 - y f of each watched row; those above 0 are the loss.
    """

    point: Doubles
    label: int
    kernel: Doubles
    watched: Doubles
    beta: Doubles
    margins: Doubles

    @property
    def loss(self) -> float:
        """The summed hinge loss of the watched rows."""
        return float(np.maximum(self.margins, 0).sum())

    @property
    def counts(self) -> bool:
        """Whether the point is a support vector: only then the machine hangs on where it lies."""
        return bool(self.beta[-1])


class Arena:
    """The rows that a machine learns from, poison so far included, and those that the attacker watches.

    Parameters
    ----------
    kernel : Kernel
    c : float
        What a row within the margin costs.
    x, y : float64[N, D] in 0..1, int64[N] of 1 and -1
        Learned from.
    watched_x, watched_y : float64[V, D], int64[V]
        Their loss is driven up.
    """

    def __init__(
        self,
        kernel: Kernel,
        c: float,
        x: Doubles,
        y: npt.NDArray[np.int64],
        watched_x: Doubles,
        watched_y: npt.NDArray[np.int64],
    ) -> None:
        self.kernel, self.c, self.x, self.y = kernel, c, x, y
        self.watched_x, self.watched_y = watched_x, watched_y
        self._between, self._watching = kernel(x, x), kernel(x, watched_x)

    def with_point(self, point: Doubles, label: int) -> Answer:
        """Return the machine that has learned from one more row as well."""
        from sklearn.svm import SVC

        count = len(self.y)
        lone = point[None]
        kernel = np.empty((count + 1, count + 1))
        kernel[:count, :count] = self._between
        kernel[:count, count] = kernel[count, :count] = self.kernel(self.x, lone)[:, 0]
        kernel[count, count] = self.kernel(lone, lone)[0, 0]
        watched = np.vstack([self._watching, self.kernel(lone, self.watched_x)])
        machine = SVC(C=self.c, kernel="precomputed", tol=_TOLERANCE).fit(kernel, np.append(self.y, label))
        beta = np.zeros(count + 1)
        beta[machine.support_] = machine.dual_coef_[0]
        margins = 1 - self.watched_y * (beta @ watched + machine.intercept_[0])
        return Answer(point, label, kernel, watched, beta, margins)

    def gradient(self, answer: Answer) -> Doubles:
        """Return float64[D]: how the loss of the watched rows grows when the point moves.

        Where the point is no support vector that is 0 everywhere; see `heading`.
        """
        slopes: Doubles = -self.watched_y * np.where(answer.margins > 0, 1.0, 0.0)
        alpha = np.abs(answer.beta)
        at = np.flatnonzero((alpha > _AT_BOUND * self.c) & (alpha < (1 - _AT_BOUND) * self.c))
        pull = np.zeros(len(alpha))
        if len(at):
            pull[at] = self._followed(answer, at, slopes)
        own, others = answer.beta[-1], answer.beta[:-1]
        direct = self.kernel.slope(answer.point, self.watched_x, answer.watched[-1], own * slopes)
        weights = -own * pull[:-1] - pull[-1] * others
        indirect = self.kernel.slope(answer.point, self.x, answer.kernel[-1, :-1], weights)
        gradient: Doubles = direct + indirect - pull[-1] * own * self.kernel.own_slope(answer.point)
        return gradient

    def _followed(self, answer: Answer, at: npt.NDArray[np.int64], slopes: Doubles) -> Doubles:
        """Return float64[S], the l of the module's words, for the rows on the margin."""
        system = np.ones((len(at) + 1, len(at) + 1))
        system[:-1, :-1] = answer.kernel[np.ix_(at, at)] + _RIDGE * np.eye(len(at))
        system[-1, -1] = 0
        solved: Doubles = np.linalg.solve(system, np.append(answer.watched[at] @ slopes, slopes.sum()))
        return solved[:-1]

    def heading(self, answer: Answer) -> Doubles:
        """Return float64[D], where the point goes next; zeros where there is no way.

        One that counts goes up the loss. One that does not, since it lies beyond the margin on its own side,
        goes the shortest way to the margin.
        """
        if answer.counts:
            return self.gradient(answer)
        toward = self.kernel.slope(answer.point, self.x, answer.kernel[-1, :-1], answer.beta[:-1])
        return -answer.label * toward

    def moved(self, start: Doubles, label: int, steps: int, step: float) -> Doubles:
        """Return float64[D] in 0..1: the point after so many steps, rounded to what 8 bits can hold.

        A step is taken where it raises the loss, or where the point does not count yet; else a shorter one is
        tried. Where the loss is lower in the end than at the start, the point stays where it was.

        Parameters
        ----------
        start : float64[D], 0..1
        label : int
            1 or -1.
        steps : int
            Machines that are solved for it, at most.
        step : float
            Length of the first step, with pixels of 0..1.
        """
        begun = best = self.with_point(start, label)
        length = step
        for _ in range(steps):
            way = self.heading(best)
            norm = float(np.linalg.norm(way))
            if norm == 0 or length < _SHORTEST:
                break
            tried = self.with_point(np.clip(best.point + length / norm * way, 0, 1), label)
            taken = tried.loss > best.loss or not best.counts
            best, length = (tried, length * _LONGER) if taken else (best, length * _SHORTER)
        rounded: Doubles = np.rint(best.point * 255) / 255
        return rounded if self.with_point(rounded, label).loss >= begun.loss else start

    def add(self, point: Doubles, label: int) -> None:
        """Let the machine learn from one more row from now on."""
        beside = self.kernel(self.x, point[None])
        lone = self.kernel(point[None], point[None])
        self._between = np.block([[self._between, beside], [beside.T, lone]])
        self._watching = np.vstack([self._watching, self.kernel(point[None], self.watched_x)])
        self.x, self.y = np.vstack([self.x, point]), np.append(self.y, label)
