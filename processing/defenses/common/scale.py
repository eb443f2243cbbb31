"""Scores of several classes on one scale, that of their trusted rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from boomerang.manifest import Labels, Rows
from processing.defenses.common.base import Scores

_ROWS_FOR_SCALE = 20
_MAD_TO_SIGMA = 1.4826
_TAIL = 0.95

Measure = Callable[[Scores], tuple[float, float]]


def rows_by_class(y: Labels) -> list[Rows]:
    """Return the rows of each class that int64[N] names, ascending."""
    return [np.flatnonzero(y == label) for label in np.unique(y)]


def center_and_spread(scores: Scores) -> tuple[float, float]:
    """Return the median, and the MAD as the standard deviation of a normal distribution that has it."""
    center = float(np.median(scores))
    return center, _MAD_TO_SIGMA * float(np.median(np.abs(scores - center)))


def center_and_tail(scores: Scores) -> tuple[float, float]:
    """Return the median, and how far above it the 95th percentile lies.

    For scores with a long tail, of whose length the MAD says nothing: classes then have their highest scores
    in the same place.
    """
    center, high = np.quantile(scores, [0.5, _TAIL])
    return float(center), float(high - center)


def on_one_scale(
    scores: Scores, y: Labels, clean: Scores, clean_y: Labels, measure: Measure = center_and_spread
) -> tuple[Scores, Scores]:
    """Subtract the median of each class' clean scores, and divide by their MAD, in both arrays.

    A class with few clean rows, or with no spread, takes the median and MAD of all of them.
    Another measure than those two may be given.

    Parameters
    ----------
    scores : float64[N]
    y : int64[N]
    clean : float64[M]
        Scores of trusted rows.
    clean_y : int64[M]
    measure : callable
        float64[m], m > 0, -> what is subtracted, and what is divided by, 0 or more.

    Returns
    -------
    float64[N], float64[M]
    """
    scores, clean = scores.copy(), clean.copy()
    overall = measure(clean) if len(clean) else (0.0, 1.0)
    own = {int(label): measure(clean[clean_y == label]) for label in _well_known(clean_y)}
    for label in np.union1d(y, clean_y):
        center, spread = own.get(int(label), overall)
        spread = spread or overall[1] or 1.0
        scores[y == label] = (scores[y == label] - center) / spread
        clean[clean_y == label] = (clean[clean_y == label] - center) / spread
    return scores, clean


def _well_known(y: Labels) -> Labels:
    labels, counts = np.unique(y, return_counts=True)
    return np.asarray(labels[counts >= _ROWS_FOR_SCALE])
