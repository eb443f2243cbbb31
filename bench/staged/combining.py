"""Ways to make one screen of several detectors, each calibrated by the trusted rows' scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Bools
from processing.defenses.common.base import Scored, Scores
from processing.defenses.common.estimators import fitting
from processing.defenses.common.flagging import beyond

Matrix = npt.NDArray[np.float64]

MAX_FPR = 0.005
# On victims from scratch no union of up to five of nine detectors found .1% more than that of these two.
CHOSEN = ("scan", "confident_learning")
_FOLDS = 5
_TAIL = 0.1
# A regression would otherwise be about the few rows that are farthest out.
_MOST = 50.0


@dataclass(frozen=True)
class Asked:
    """What detectors have measured on one victim.

    Attributes
    ----------
    poisoned : bool[N]
    scored : mapping of str to Scored
        By the kind of the detector: of N rows and then of `PLANTED` ones that the defender has poisoned.
    """

    PLANTED: ClassVar[int] = 300

    poisoned: Bools
    scored: Mapping[str, Scored[Any]]


@dataclass(frozen=True)
class Calibrated:
    """Scores of some detectors, K, on the scale of `surprise`.

    Attributes
    ----------
    rows : float64[N, K]
    trusted : float64[M, K]
        Each row by what the other folds tell.
    planted : float64[P, K]
    """

    rows: Matrix
    trusted: Matrix
    planted: Matrix


def flagged_by(asked: Asked) -> dict[str, tuple[Bools, Scores]]:
    """Return bool[N], the rows that are flagged, and float64[N] scores, by contender.

    The detectors alone; the `union` of the two that were chosen, each at half of the rate; the `sum` and the
    `largest` of the two's calibrated scores; and a `regression` on the calibrated scores of all. Each is to
    flag `MAX_FPR` of the clean rows at most.
    """
    rows = len(asked.poisoned)
    alone = {kind: (of.scores[:rows], of.state.trusted) for kind, of in asked.scored.items()}
    found = {kind: contender(*of) for kind, of in alone.items()}
    two = calibrated(asked, CHOSEN)
    parts = [contender(*alone[kind], MAX_FPR / len(CHOSEN))[0] for kind in CHOSEN]
    found["union"] = np.any(parts, axis=0), two.rows.max(1)
    found["sum"] = contender(two.rows.sum(1), two.trusted.sum(1))
    found["largest"] = contender(two.rows.max(1), two.trusted.max(1))
    found["regression"] = contender(*regression(calibrated(asked, list(asked.scored))))
    return found


def contender(scores: Scores, trusted: Scores, max_fpr: float = MAX_FPR) -> tuple[Bools, Scores]:
    """Return bool[N], the rows that score higher than trusted rows do, and float64[N], their scores."""
    return beyond(scores, trusted, max_fpr).flagged, scores


def calibrated(asked: Asked, kinds: Sequence[str]) -> Calibrated:
    """Return the scores of some detectors on the scale of `surprise`; each has measured every trusted row."""
    rows, parts = len(asked.poisoned), []
    for kind in kinds:
        trusted, scores = asked.scored[kind].state.trusted, asked.scored[kind].scores
        fold, held = np.arange(len(trusted)) % _FOLDS, np.zeros(len(trusted))
        for number in range(_FOLDS):
            held[fold == number] = surprise(trusted[fold != number], trusted[fold == number])
        every = surprise(trusted, scores)
        parts.append((every[:rows], held, every[rows:]))
    return Calibrated(*(np.stack(part, axis=1) for part in zip(*parts, strict=True)))


def surprise(clean: Scores, scores: Scores) -> Scores:
    """Return float64[n], minus the logarithm of the probability that a clean row scores as high, 0 or more.

    That is the conformal p-value up to the highest tenth of float64[M] clean scores, and beyond it an
    exponential tail with the mean of that tenth.
    """
    ordered = np.sort(clean)
    edge = float(np.quantile(ordered, 1 - _TAIL))
    length = float((ordered[ordered > edge] - edge).mean()) if ordered[-1] > edge else 1.0
    as_high = len(ordered) - np.searchsorted(ordered, scores)
    near = np.minimum(-np.log((as_high + 1) / (len(ordered) + 1)), -np.log(_TAIL))
    return np.where(scores > edge, (scores - edge) / length - np.log(_TAIL), near)


def regression(of: Calibrated) -> tuple[Scores, Scores]:
    """Return float64[N] and float64[M], how much like planted poison rows and trusted rows are.

    By a logistic regression that learns from trusted rows and planted ones; each trusted row is asked of one
    that has not learned from its fold.
    """
    rows, trusted, planted = (np.minimum(part, _MOST) for part in (of.rows, of.trusted, of.planted))
    fold, planted_fold = np.arange(len(trusted)) % _FOLDS, np.arange(len(planted)) % _FOLDS
    held = np.zeros(len(trusted))
    for number in range(_FOLDS):
        out = fold == number
        held[out] = _likeness(trusted[~out], planted[planted_fold != number], trusted[out])
    return _likeness(trusted, planted, rows), held


def _likeness(clean: Matrix, planted: Matrix, points: Matrix) -> Scores:
    from sklearn.linear_model import LogisticRegression

    x, y = np.concatenate([clean, planted]), np.arange(len(clean) + len(planted)) >= len(clean)
    with fitting():
        found = LogisticRegression(class_weight="balanced").fit(x, y)
    return np.asarray(found.decision_function(points))
