"""How high a score has to be: by what trusted rows score, or by the share that is to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from boomerang.manifest import Rows
from boomerang.scoring import conformal_rank, conformal_threshold, rows_needed

if TYPE_CHECKING:
    from processing.defenses.common.base import Scores

_FOLDS = 5
_CONFIDENCE = 0.95


def too_few(clean: int, max_fpr: float) -> str:
    """Return why so many clean scores set no threshold, for a warning."""
    needed = f"{rows_needed(max_fpr)} are needed for max_fpr = {max_fpr:g}"
    return f"{clean} trusted rows cannot tell what is rare, {needed}: it flags nothing"


def reached(clean: Scores, max_fpr: float) -> float | None:
    """Return the share of clean rows above the threshold that the other ones set, in five folds.

    What the threshold of all of them leaves above itself is no news: it was put there.

    Parameters
    ----------
    clean : float64[M]
    max_fpr : float

    Returns
    -------
    float or None
        None if four fifths of them are too few to set one.
    """
    fold = np.arange(len(clean)) % _FOLDS
    above = 0
    for k in range(_FOLDS):
        threshold = conformal_threshold(clean[fold != k], max_fpr)
        if threshold is None:
            return None
        above += int((clean[fold == k] > threshold).sum())
    return above / len(clean)


def fpr_at_most(clean: int, max_fpr: float) -> float | None:
    """Return what the rate of false positives stays below for 95 of 100 sets of so many clean scores.

    `max_fpr` is the mean over such sets. That of one is distributed as Beta(M + 1 - r, r), of M scores the
    r-th smallest being the threshold, if the scores have no ties (Vovk 2012, conditional validity of
    inductive conformal predictors). None where they set no threshold.
    """
    from scipy.stats import beta

    rank = conformal_rank(clean, max_fpr)
    return float(beta.ppf(_CONFIDENCE, clean + 1 - rank, rank)) if 0 < rank <= clean else None


def top_rows(scores: Scores, rows: Rows, share: float) -> Rows:
    """Return the `share` (0..1, or above for all) of `rows` with the highest scores; of equals the earlier.

    Parameters
    ----------
    scores : float64[N]
    rows : int64[n]
        Numbers of rows in `scores`.
    share : float
    """
    count = min(len(rows), round(share * len(rows)))
    return np.asarray(rows[np.argsort(-scores[rows], kind="stable")[:count]])
