"""What answers and scores are worth, held against the labels that are right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

_Z95 = 1.959963984540054
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


def defense_effectiveness(asr_drop: float, accuracy_drop: float) -> float:
    """Return the defense effectiveness rating (DER), in [0, 1].

    [max(0, dASR) - max(0, dCA) + 1] / 2, both drops from the undefended to the defended model
    (Zhu et al. 2023, FT-SAM, section 4.1). 0.5 is no effect.
    """
    return (max(0.0, asr_drop) - max(0.0, accuracy_drop) + 1) / 2


def fidelity(
    asr_before: float, asr_after: float, accuracy_before: float, accuracy_after: float
) -> float | None:
    """Return the share of an attack's success that is gone, times the share of accuracy left; in [0, 1].

    (ASR - ASR') / ASR * CA' / CA, as NIST's TrojAI mitigation rounds have it, from the undefended to the
    defended model. None where there was no success or no accuracy to begin with.

    >>> fidelity(0.8, 0.4, 1.0, 0.5)
    0.25
    """
    if asr_before == 0 or accuracy_before == 0:
        return None
    gone, left = (asr_before - asr_after) / asr_before, accuracy_after / accuracy_before
    return min(1.0, max(0.0, gone * left))


class Rate(Strict):
    """A share of counted cases with its Wilson 95% interval (Wilson 1927).

    Attributes
    ----------
    successes, total : int
    value, low, high : float or None
        Fractions; None where `total` is 0.
    """

    successes: int = Field(ge=0)
    total: int = Field(ge=0)
    value: float | None
    low: float | None
    high: float | None


def rate(successes: int, total: int) -> Rate:
    """Return the share with its Wilson 95% interval.

    >>> rate(0, 26).high < 0.13
    True
    """
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no share")
    if total == 0:
        return Rate(successes=0, total=0, value=None, low=None, high=None)
    p, z2 = successes / total, _Z95**2
    center = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * math.sqrt(p * (1 - p) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    low, high = 0.0 if successes == 0 else center - half, 1.0 if successes == total else center + half
    return Rate(successes=successes, total=total, value=p, low=low, high=high)


def difference(a: Rate, b: Rate) -> tuple[float, float, float]:
    """Return the share of `a` less that of `b`, and the ends of its 95% interval for cases of their own.

    The Wilson intervals of both, joined (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10);
    raises ValueError if one was not measured.
    """
    (p, p_low, p_high), (q, q_low, q_high) = ((x.value, x.low, x.high) for x in (a, b))
    if p is None or q is None or p_low is None or p_high is None or q_low is None or q_high is None:
        raise ValueError("what was not measured has no difference")
    gap, low, high = p - q, math.hypot(p - p_low, q_high - q), math.hypot(p_high - p, q - q_low)
    return gap, gap - low, gap + high


def share(mask: BoolArray) -> Rate:
    """Return the share of true entries of bool[N]."""
    return rate(int(np.count_nonzero(mask)), mask.size)


def paired_difference(a: BoolArray, b: BoolArray) -> tuple[float, float, float]:
    """Return the share of true entries of `a` less that of `b`, and the ends of its 95% interval for pairs.

    The hybrid score interval of Newcombe 1998 (Statistics in Medicine 17, 2635-2650, method 10): the Wilson
    intervals of both, joined by the correlation of the pairs with its continuity correction. `a` and `b`,
    bool[N], are of the same N cases; raises ValueError if there are none, or not as many of both.

    >>> [round(x, 3) for x in paired_difference(np.arange(50) < 32, np.arange(50) % 16 < 8)]
    [0.12, -0.076, 0.304]
    """
    if a.shape != b.shape or a.size == 0:
        raise ValueError(f"{a.shape} and {b.shape} are no pairs")
    n, both, (p, q) = a.size, int(np.count_nonzero(a & b)), (share(a), share(b))
    assert p.low is not None and p.high is not None and q.low is not None and q.high is not None
    mine, other = p.successes / n, q.successes / n
    above = float(both * n - p.successes * q.successes)
    above = max(0.0, above - n / 2) if above > 0 else above
    spread = n**2 * math.sqrt(mine * (1 - mine) * other * (1 - other))
    phi = above / spread if spread else 0.0

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))

    difference = (p.successes - q.successes) / n
    low, high = reach(mine - p.low, q.high - other), reach(p.high - mine, other - q.low)
    return difference, difference - low, difference + high


def conformal_threshold(clean: FloatArray, max_fpr: float) -> float | None:
    """Return what a further clean score exceeds with probability at most `max_fpr`.

    The math.ceil((M + 1)(1 - max_fpr))-th smallest of M clean scores: it holds for any distribution, if
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
    return math.ceil((clean + 1) * (1 - max_fpr) - _ROUNDING)


def rows_needed(max_fpr: float) -> int:
    """Return the least number of clean scores from which `conformal_threshold` is not None."""
    return math.ceil((1 - _ROUNDING) / max_fpr) - 1
