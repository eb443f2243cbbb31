"""Turns a detector's scores into what a chart can carry: a histogram and a ROC curve.

The results are plain JSON; they go into `report.json` as they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.page.axes import ticks

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_BINS = 44
_ROC_POINTS = 96
# A range this many times the spread of the bulk would press the bulk into one bar.
_LONG_TAIL = 12.0


def histogram(scores: Floats, attack_of: npt.NDArray[np.int8], attacks: int) -> dict[str, Any]:
    """Return counts per bin, of the clean rows and of each attack's.

    Scores with a long tail are binned after asinh((score - center) / spread), which is a line near
    the center and a logarithm far from it; edges are always in the detector's own unit.

    Parameters
    ----------
    scores : float64[N], finite
    attack_of : int8[N]
        0 is a clean row, k a row of the k-th attack.
    attacks : int

    Returns
    -------
    mapping
        `edges` (B + 1 numbers), `clean` (B counts), `attacks` (one list of B counts each), and
        `center` and `spread`, which are None where the bins are equally wide.
    """
    center, spread = _scale(scores)
    position = scores if spread is None else np.arcsinh((scores - center) / spread)
    low, high = float(position.min()), float(position.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    counts = [np.histogram(position[attack_of == k], edges)[0].tolist() for k in range(attacks + 1)]
    in_unit = edges if spread is None else center + spread * np.sinh(edges)
    return {
        "edges": [_short(edge) for edge in in_unit.tolist()],
        "clean": counts[0],
        "attacks": counts[1:],
        "center": None if spread is None else _short(center),
        "spread": None if spread is None else _short(spread),
    }


def _scale(scores: Floats) -> tuple[float, float | None]:
    low, center, high = (float(q) for q in np.quantile(scores, [0.25, 0.5, 0.75]))
    bulk = high - low
    reach = max(float(scores.max()) - center, center - float(scores.min()))
    if bulk > 0 and reach > _LONG_TAIL * bulk:
        return center, bulk
    return center, None


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def roc(scores: Floats, positive: Bools) -> list[list[float]] | None:
    """Return the ROC curve as [FPR, TPR] points, or None without both kinds of rows.

    Equal scores make one step, so the area under the points is the AUROC with ties counted half.
    Of long curves the points are kept that are evenly spread along it.
    """
    positives = int(np.count_nonzero(positive))
    negatives = positive.size - positives
    if not positives or not negatives:
        return None
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    tpr = np.concatenate([[0.0], hits / positives])
    fpr = np.concatenate([[0.0], (ends + 1 - hits) / negatives])
    keep = _evenly(fpr, tpr)
    return [[_round(x), _round(y)] for x, y in zip(fpr[keep], tpr[keep], strict=True)]


def _evenly(x: Floats, y: Floats) -> npt.NDArray[np.intp]:
    """Return at most `_ROC_POINTS` indices of a rising line, evenly spread along its length."""
    if len(x) <= _ROC_POINTS:
        return np.arange(len(x))
    length = x + y
    wanted = np.linspace(0.0, float(length[-1]), _ROC_POINTS)
    chosen: npt.NDArray[np.intp] = np.unique(np.append(np.searchsorted(length, wanted), len(x) - 1))
    return chosen


def _round(value: float) -> float:
    return round(float(value), 5)


def note_curve(note: Any) -> dict[str, Any] | None:
    """Return the curve that a note of a repair is, see `boomerang.formats.model.Part`; None if it is none.

    Returns
    -------
    mapping or None
        `x` and `y`, what the axes are of, and `points`, two or more [x, y].

    >>> note_curve({"channels cut": [0, 1], "accuracy": [0.9, 0.5]})
    {'x': 'channels cut', 'y': 'accuracy', 'points': [[0.0, 0.9], [1.0, 0.5]]}
    """
    if not isinstance(note, dict) or len(note) != 2:
        return None
    (x, xs), (y, ys) = note.items()
    if not all(isinstance(each, list) for each in (xs, ys)) or not 2 <= len(xs) == len(ys):
        return None
    if not all(isinstance(value, int | float) for value in (*xs, *ys)):
        return None
    return {"x": x, "y": y, "points": [[float(a), float(b)] for a, b in zip(xs, ys, strict=True)]}


def score_ticks(
    edges: list[float], center: float | None, spread: float | None, count: int = 5
) -> list[float]:
    """Return round numbers in the range of `edges`, evenly spread on the histogram's axis."""
    low, high = edges[0], edges[-1]
    if center is None or spread is None:
        return ticks(low, high, count)
    places = np.linspace(math.asinh((low - center) / spread), math.asinh((high - center) / spread), count + 1)
    exact = (center + spread * math.sinh(place) for place in places)
    rounded = {0.0 if abs(tick) < spread / 50 else float(f"{tick:.1g}") for tick in exact}
    return sorted(t for t in rounded if low <= t <= high)
