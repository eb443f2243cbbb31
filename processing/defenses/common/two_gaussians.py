"""Scores as a mixture of two normal distributions, of which the higher one is suspect."""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.manifest import Bools
from processing.defenses.common.base import Scores
from processing.defenses.common.estimators import fitting

_FEWEST = 10
_TINY = 1e-9


def upper_of_two(scores: Scores, guard: bool) -> tuple[Bools, dict[str, Any]]:
    """Return which scores are of the higher one of two normal distributions, and what was found.

    Of fewer than ten scores, or of equal ones, none is. Nor is a score below the lower mean, where the higher
    distribution is the wider one and claims what lies beyond both.

    Parameters
    ----------
    scores : float64[n], 0 or more
    guard : bool
        Whether none is where one log-normal distribution explains the scores as well as two normal ones, by
        the Bayesian information criterion (Schwarz 1978). Errors have a long tail: beside one normal
        distribution, two explain those of any clean set better.

    Returns
    -------
    bool[n], dict
        The second is plain JSON: `bic` of the one and of the two, `means` and `shares` of the two.
    """
    if len(scores) < _FEWEST or not np.ptp(scores):
        return np.zeros(len(scores), bool), {}
    from sklearn.mixture import GaussianMixture

    points = scores[:, None]
    with fitting():
        mixture = GaussianMixture(2, n_init=3, random_state=0).fit(points)
    component, two = mixture.predict(points), float(mixture.bic(points))
    one = _bic_of_log_normal(scores)
    lower, upper = np.argsort(mixture.means_[:, 0])
    notes = {
        "bic": [round(one, 3), round(two, 3)],
        "means": [round(float(mixture.means_[each, 0]), 6) for each in (lower, upper)],
        "shares": [round(float(mixture.weights_[each]), 6) for each in (lower, upper)],
    }
    high = (component == upper) & (scores > mixture.means_[lower, 0])
    return np.asarray(high & (two < one or not guard)), notes


def _bic_of_log_normal(scores: Scores) -> float:
    logs = np.log(np.maximum(scores, _TINY))
    fit = len(logs) * (np.log(2 * np.pi * max(logs.var(), _TINY)) + 1) + 2 * logs.sum()
    return float(fit + 2 * np.log(len(logs)))
