"""Scores as a mixture of two normal distributions, of which the higher one is suspect."""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.manifest import Bools
from processing.defenses.common.base import Scores
from processing.defenses.common.estimators import fitting

_FEWEST = 10


def upper_of_two(scores: Scores) -> tuple[Bools, dict[str, Any]]:
    """Return which scores are of the higher one of two normal distributions, and what was found.

    None is, if one distribution explains the scores as well by the Bayesian information criterion (Schwarz
    1978), or there are fewer than ten. Nor is a score below the lower mean, where the higher distribution is
    the wider one and claims what lies beyond both.

    Parameters
    ----------
    scores : float64[n]

    Returns
    -------
    bool[n], dict
        The second is plain JSON: `bic` of one and of two, `means` and `shares` of the two.
    """
    if len(scores) < _FEWEST or not np.ptp(scores):
        return np.zeros(len(scores), bool), {}
    from sklearn.mixture import GaussianMixture

    points = scores[:, None]
    with fitting():
        one, two = (GaussianMixture(count, n_init=3, random_state=0).fit(points) for count in (1, 2))
        component = two.predict(points)
    lower, upper = np.argsort(two.means_[:, 0])
    bic = [float(each.bic(points)) for each in (one, two)]
    notes = {
        "bic": [round(each, 3) for each in bic],
        "means": [round(float(two.means_[each, 0]), 6) for each in (lower, upper)],
        "shares": [round(float(two.weights_[each]), 6) for each in (lower, upper)],
    }
    high = (component == upper) & (scores > two.means_[lower, 0]) & (bic[1] < bic[0])
    return np.asarray(high), notes
