"""What answers and scores are worth, held against the labels that are right."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

_ROUNDING = 1e-9  # 0.95 of 100 rows are 95, not 96


def confusion(y: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Return int64[K, K]: row i, column j counts the rows of class i that were called j.

    Rows that were called nothing, -1, stand in no column.
    """
    told = np.asarray(predicted) >= 0
    counts = np.bincount(np.asarray(y)[told] * classes + np.asarray(predicted)[told], minlength=classes**2)
    return counts.reshape(classes, classes)


def balanced_accuracy(y: IntArray, predicted: IntArray) -> float | None:
    """Return the mean over classes of the share that is right (Brodersen et al. 2010); None without rows.

    A model that always gives one class has 1/K of it, whatever the classes' sizes.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    shares = [float(np.mean(predicted[y == k] == k)) for k in np.unique(y)]
    return float(np.mean(shares)) if shares else None


def auroc(scores: FloatArray, positive: BoolArray) -> float | None:
    """Return the area under the ROC curve (ties count half), or None without both kinds of rows."""
    from scipy.stats import rankdata

    n_positive = int(np.count_nonzero(positive))
    n_negative = positive.size - n_positive
    if n_positive == 0 or n_negative == 0:
        return None
    rank_sum = float(rankdata(scores)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def average_precision(scores: FloatArray, positive: BoolArray) -> float | None:
    """Return average precision: precision summed over the steps of recall, ties taken as one step."""
    if not positive.any():
        return None
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    gained = np.diff(hits, prepend=0)
    return float(np.sum(gained * hits / (ends + 1)) / positive.sum())


def conformal_threshold(clean: FloatArray, max_fpr: float) -> float | None:
    """Return what a further clean score exceeds with probability at most `max_fpr`.

    The ceil((M + 1)(1 - max_fpr))-th smallest of M clean scores: it holds for any distribution, if
    the further score is drawn like them (Vovk et al. 2005, conformal prediction). None if M is too
    small for any of them to be that high; see `rows_needed`.

    Parameters
    ----------
    clean : float64[M]
    max_fpr : float
        In (0, 1).
    """
    rank = conformal_rank(len(clean), max_fpr)
    return float(np.sort(clean)[rank - 1]) if 0 < rank <= len(clean) else None


def conformal_rank(clean: int, max_fpr: float) -> int:
    """Return which of so many clean scores, the smallest being 1, is the threshold."""
    return ceil((clean + 1) * (1 - max_fpr) - _ROUNDING)


def rows_needed(max_fpr: float) -> int:
    """Return the least number of clean scores from which `conformal_threshold` is not None."""
    return ceil((1 - _ROUNDING) / max_fpr) - 1
