"""Spectral signatures: poison stands out along the direction in which its class varies most."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.manifest import Labels
from processing.defenses.common.base import Detector, Features, Finding, Suspect
from processing.defenses.common.whitening import Matrix, whitener

_FOLDS = 5
_ROWS_FOR_SCALE = 20
_MAD_TO_SIGMA = 1.4826

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """Where a class lies, and the unit vector along which it varies most.

    Attributes
    ----------
    mean, direction : float64[D]
    """

    mean: npt.NDArray[np.float64]
    direction: npt.NDArray[np.float64]

    def length(self, features: Matrix) -> Scores:
        """Return float64[n], how far from the mean each row lies along the direction."""
        return np.asarray(np.abs((features - self.mean) @ self.direction))


class SpectralSignatures(Detector):
    """The squared projection on the top singular vector of each class.

    As published (`rule = "paper"`, `whiten = "none"`): features of a class are centered, the score of
    a row is its squared projection on the top right singular vector, and the 1.5 eps n highest of
    each class of n rows go, poisoned or not. That costs 1.5 eps of all clean rows on any clean set.

    The default departs from it twice, by what the trusted rows tell:

    * `whiten = "trusted"` whitens the features (see `processing.defenses.common.whitening`).
    * `rule = "trusted"` flags the rows that lie further out than trusted rows do. The projections
      of a class are put on one scale by the median and MAD of its trusted rows; the threshold is the
      order statistic of all trusted rows that a further clean row exceeds with probability
      `max_fpr`. Each trusted row is scored by a whitening that was learned without it.

    Attributes
    ----------
    eps : float
        For `paper`: the share of a class that is expected to be poison.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the
        trusted ones. Rows that the victim has learned by heart are not quite: 0.005 gave 0.003 to
        0.013. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "spectral signatures"
    source: ClassVar[str] = "Tran et al. 2018, Spectral signatures in backdoor attacks, algorithm 1"

    kind: Literal["spectral_signatures"] = "spectral_signatures"
    rule: Literal["trusted", "paper"] = "trusted"
    whiten: Literal["trusted", "none"] = "trusted"
    eps: float = Field(default=0.05, gt=0, lt=0.5)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def screen(self, suspect: Suspect) -> Finding:
        """Score every row along the direction of its class."""
        raw = self._lengths(suspect)
        if self.rule == "paper":
            flagged = np.zeros(len(raw), bool)
            for rows in _rows_by_class(suspect.y):
                flagged[top_rows(raw, rows, 1.5 * self.eps)] = True
            return Finding(raw**2, flagged, notes=self._notes(suspect, flagged))
        clean = self._trusted_lengths(suspect)
        scores, clean_scores = _on_one_scale(raw, suspect.y, clean, suspect.trusted_y)
        threshold = conformal_threshold(clean_scores, self.max_fpr)
        flagged = np.zeros(len(raw), bool) if threshold is None else scores > threshold
        return Finding(scores, flagged, threshold, self._notes(suspect, flagged))

    def _whitener(self, features: Features, y: Labels) -> Matrix:
        return whitener(features, y) if self.whiten == "trusted" else np.eye(features.shape[1])

    def _lengths(self, suspect: Suspect) -> Scores:
        basis = self._whitener(suspect.trusted_features, suspect.trusted_y)
        features = suspect.features @ basis
        lengths = np.zeros(len(features))
        for rows in _rows_by_class(suspect.y):
            learned = rows[suspect.left[rows]]
            lengths[rows] = top_axis(features[learned if len(learned) else rows]).length(features[rows])
        return lengths

    def _trusted_lengths(self, suspect: Suspect) -> Scores:
        """Return float64[M], each trusted row along the axis that is found without it."""
        features, y = suspect.trusted_features, suspect.trusted_y
        fold = np.arange(len(y)) % _FOLDS
        folds = range(_FOLDS) if self.whiten == "trusted" else range(0)
        lengths = np.zeros(len(y))
        for held_out in [fold == k for k in folds if (fold == k).any()] or [np.ones(len(y), bool)]:
            learned = ~held_out if self.whiten == "trusted" else held_out
            basis = self._whitener(features[learned], y[learned])
            lengths[held_out] = _along_axes(suspect, basis, features[held_out], y[held_out])
        return lengths

    def _notes(self, suspect: Suspect, flagged: npt.NDArray[np.bool_]) -> dict[str, Any]:
        per_class = np.bincount(suspect.y[flagged], minlength=len(suspect.classes))
        return {
            "rule": self.rule,
            "whiten": self.whiten,
            "trusted_rows": len(suspect.trusted_y),
            "trusted_rows_needed": ceil(1 / self.max_fpr) - 1 if self.rule == "trusted" else 0,
            "flagged_by_class": dict(zip(suspect.classes, per_class.tolist(), strict=True)),
        }


def top_axis(features: Matrix) -> Axis:
    """Return the mean and the top right singular vector of the centered rows of float64[n, D]."""
    mean = features.mean(0)
    centered = features - mean
    # The eigenvectors of the scatter matrix are the right singular vectors, at D^3 instead of n D^2.
    return Axis(mean, np.linalg.eigh(centered.T @ centered)[1][:, -1])


def spectral_scores(features: Features) -> Scores:
    """Return float64[n], the published score of the rows float32[n, D] of one class."""
    wide = features.astype(np.float64)
    return top_axis(wide).length(wide) ** 2


def top_rows(scores: Scores, rows: npt.NDArray[np.int64], share: float) -> npt.NDArray[np.int64]:
    """Return the `share` of `rows` with the highest scores; of equals the earlier ones."""
    count = min(len(rows), round(share * len(rows)))
    return np.asarray(rows[np.argsort(-scores[rows], kind="stable")[:count]])


def conformal_threshold(clean: Scores, max_fpr: float) -> float | None:
    """Return what a further clean score exceeds with probability at most `max_fpr`.

    The ceil((M + 1)(1 - max_fpr))-th smallest of M clean scores: it holds for any distribution, if
    the further score is drawn like them (Vovk et al. 2005, conformal prediction). None if M is too
    small for any of them to be that high.
    """
    rank = ceil((len(clean) + 1) * (1 - max_fpr) - 1e-9)
    return float(np.sort(clean)[rank - 1]) if 0 < rank <= len(clean) else None


def _rows_by_class(y: Labels) -> list[npt.NDArray[np.int64]]:
    return [np.flatnonzero(y == label) for label in np.unique(y)]


def _along_axes(suspect: Suspect, basis: Matrix, features: Features, y: Labels) -> Scores:
    """Return float64[n], rows of any class along the axis of their class in the suspect set."""
    lengths = np.zeros(len(y))
    for label in np.unique(y):
        rows = (suspect.y == label) & suspect.left
        if rows.any():
            lengths[y == label] = top_axis(suspect.features[rows] @ basis).length(
                features[y == label] @ basis
            )
    return lengths


def _on_one_scale(scores: Scores, y: Labels, clean: Scores, clean_y: Labels) -> tuple[Scores, Scores]:
    """Subtract the median of each class' clean scores, and divide by their MAD, in both arrays.

    A class with few clean rows, or with no spread, takes the median and MAD of all of them.
    """
    scores, clean = scores.copy(), clean.copy()
    overall = _center_and_spread(clean) if len(clean) else (0.0, 1.0)
    own = {int(label): _center_and_spread(clean[clean_y == label]) for label in _well_known(clean_y)}
    for label in np.union1d(y, clean_y):
        center, spread = own.get(int(label), overall)
        spread = spread or overall[1] or 1.0
        scores[y == label] = (scores[y == label] - center) / spread
        clean[clean_y == label] = (clean[clean_y == label] - center) / spread
    return scores, clean


def _well_known(y: Labels) -> npt.NDArray[np.int64]:
    labels, counts = np.unique(y, return_counts=True)
    return np.asarray(labels[counts >= _ROWS_FOR_SCALE])


def _center_and_spread(scores: Scores) -> tuple[float, float]:
    center = float(np.median(scores))
    return center, _MAD_TO_SIGMA * float(np.median(np.abs(scores - center)))
