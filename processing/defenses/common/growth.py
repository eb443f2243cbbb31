"""A set of rows that grows from one by what lies in its direction rather than in that of clean rows.

It is that of AGPD (Yuan et al. 2024, Activation gradient based poisoned sample detection against backdoor
attacks, algorithm 1); its details are those of the published code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boomerang.manifest import Rows
from processing.defenses.common.base import Features, Scores
from processing.defenses.common.directions import Direction, cosines

_BINS = np.linspace(0, 1, 100)
_WINDOW = 10
_DEVIATIONS = 5  # that count for the mean of a window


def relative_distance(to_grown: Scores, to_clean: Scores) -> Scores:
    """Return float64[n], 0 at the grown set and 1 at clean rows: the distance to one over both together.

    Parameters
    ----------
    to_grown, to_clean : float64[n], 0..2
        One less the cosine to each. A row with neither distance is at 0.5.
    """
    total = to_grown + to_clean
    return np.divide(to_grown, total, out=np.full(len(total), 0.5), where=total > 0)


@dataclass(frozen=True)
class Growth:
    """How a set grew from one row until it had all of them.

    Attributes
    ----------
    added : list of int64[k]
        Numbers of rows, step by step; first the one that it grew from.
    divergences : list of float
        For each further step, how much the relative distance of the rest changed by it: the root of the
        Jensen-Shannon divergence of its histograms, 0..0.83, or 1 where nothing was left.
    """

    added: list[Rows]
    divergences: list[float]

    def kept(self) -> Rows:
        """Return the rows that were added before the steps went smoothly.

        They do in the window of ten steps in which the divergence's mean and five standard deviations are the
        least. Of fewer than ten steps the window is half of them, and the first row is always kept; there the
        published code fails.
        """
        steps = len(self.divergences)
        window = _WINDOW if steps >= _WINDOW else max(1, steps // 2)
        if steps < window:
            return self.added[0]
        windows = np.lib.stride_tricks.sliding_window_view(np.array(self.divergences), window)
        start = int((windows.mean(1) + _DEVIATIONS * windows.std(1)).argmin())
        return np.concatenate(self.added[: max(1, start)])


def grow(vectors: Features, rows: Rows, clean: Direction, first: int, tau: float) -> Growth:
    """Grow a set from one row by those that lie close to its mean, until it has all.

    Parameters
    ----------
    vectors : float32[N, D]
    rows : int64[n]
        Those that it may take.
    clean : float64[D]
        The direction of clean rows.
    first : int
        The row that it grows from, one of `rows`.
    tau : float
        In 0..1. A step takes the rows whose relative distance, scaled to 0..1 over the rest, is at most that.
    """
    to_clean = 1 - cosines(vectors, rows, clean)
    units = np.array(vectors[rows])
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    np.divide(units, lengths, out=units, where=lengths > 0)
    taken, total = rows == first, vectors[first].astype(np.float64)
    added, divergences, before = [rows[taken]], [], np.zeros(0)
    while not taken.all():
        length = float(np.linalg.norm(total)) or 1.0  # the cosine to a sum is that to the mean
        to_grown = 1 - (units @ (total / length).astype(np.float32)).astype(np.float64).clip(-1, 1)
        rates = relative_distance(to_grown, to_clean)
        rest = np.flatnonzero(~taken)
        before = before if len(added) > 1 else rates[rest]
        near = rest[_scaled(rates[rest]) <= tau]
        taken[near] = True
        after = rates[~taken]
        added.append(rows[near])
        divergences.append(_divergence(before, after))
        before, total = after, total + vectors[rows[near]].sum(0, dtype=np.float64)
    return Growth(added, divergences)


def _scaled(rates: Scores) -> Scores:
    """Return them over their range, the least at 0; all 0 where they are the same."""
    rates = rates - rates.min()
    return rates / (rates.max() or 1.0)


def _divergence(one: Scores, other: Scores) -> float:
    from scipy.spatial.distance import jensenshannon

    if not len(one) or not len(other):
        return 1.0
    return float(jensenshannon(*(np.histogram(each, _BINS)[0] for each in (one, other))))
