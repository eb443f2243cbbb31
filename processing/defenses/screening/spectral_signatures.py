"""Spectral signatures: poison stands out along the direction in which its class varies most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.scale import on_one_scale, rows_by_class
from processing.defenses.common.scatter import Scatter, scatter
from processing.defenses.common.threshold import conformal_threshold, rows_needed, too_few, top_rows
from processing.defenses.common.whitening import Matrix, Whiten, basis_of

_FOLDS = 5


@dataclass(frozen=True)
class Lengths:
    """How far out the rows lie.

    Attributes
    ----------
    suspect : float64[N]
        Each row along the direction of its class.
    trusted : float64[M]
        Trusted rows, on the scale of the scores; none where the rule does not look at them.
    trusted_rows : int
    y : int64[N]
    classes : tuple of str
    """

    suspect: Scores
    trusted: Scores
    trusted_rows: int
    y: Labels
    classes: tuple[str, ...]


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
    assumes: ClassVar[str] = "the poison is a small part of a class and lies off it in one direction"
    costs: ClassVar[str] = "one pass of the victim, then seconds; 1 / max_fpr trusted rows"
    fails: ClassVar[str] = "what is a large part of a class, for then that is the class, and wrong labels"

    kind: Literal["spectral_signatures"] = "spectral_signatures"
    rule: Literal["trusted", "paper"] = "trusted"
    whiten: Whiten = "trusted"
    eps: float = Field(default=0.05, gt=0, lt=0.5)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Lengths]:
        """Score every row along the direction of its class."""
        classes = {int(suspect.y[rows[0]]): rows for rows in rows_by_class(suspect.y)}
        varied = {
            label: scatter(suspect.features, _learned(suspect, rows)) for label, rows in classes.items()
        }
        raw, known = self._lengths(suspect, classes, varied), len(suspect.trusted_y)
        if self.rule == "paper":
            return Scored(raw**2, Lengths(raw, np.zeros(0), known, suspect.y, suspect.classes))
        trusted = self._trusted_lengths(suspect, varied)
        scores, trusted = on_one_scale(raw, suspect.y, trusted, suspect.trusted_y)
        return Scored(scores, Lengths(raw, trusted, known, suspect.y, suspect.classes))

    def decide(self, scored: Scored[Lengths]) -> Finding:
        """Flag what lies further out than trusted rows do, or the furthest share of every class."""
        scores, state = scored.scores, scored.state
        threshold, flagged = None, np.zeros(len(scores), bool)
        warnings: tuple[str, ...] = ()
        if self.rule == "paper":
            for rows in rows_by_class(state.y):
                flagged[top_rows(state.suspect, rows, 1.5 * self.eps)] = True
        else:
            threshold = conformal_threshold(state.trusted, self.max_fpr)
            flagged = flagged if threshold is None else scores > threshold
            warnings = () if threshold is not None else (too_few(len(state.trusted), self.max_fpr),)
        return Finding(scores, flagged, threshold, self._notes(state, flagged), warnings)

    def _lengths(self, suspect: Suspect, classes: dict[int, Rows], varied: dict[int, Scatter]) -> Scores:
        basis = basis_of(self.whiten, suspect.trusted_features, suspect.trusted_y)
        lengths = np.zeros(len(suspect.y))
        for label, rows in classes.items():
            lengths[rows] = _length(varied[label], basis, suspect.features, rows)
        return lengths

    def _trusted_lengths(self, suspect: Suspect, varied: dict[int, Scatter]) -> Scores:
        """Return float64[M], each trusted row along the axis that is found without it."""
        features, y = suspect.trusted_features, suspect.trusted_y
        fold = np.arange(len(y)) % _FOLDS
        folds = range(_FOLDS) if self.whiten == "trusted" else range(0)
        lengths = np.zeros(len(y))
        for held_out in [fold == k for k in folds if (fold == k).any()] or [np.ones(len(y), bool)]:
            learned = ~held_out if self.whiten == "trusted" else held_out
            basis = basis_of(self.whiten, features[learned], y[learned])
            for label in np.unique(y[held_out]):
                rows = np.flatnonzero(held_out & (y == label))
                if ((suspect.y == label) & suspect.left).any():
                    lengths[rows] = _length(varied[int(label)], basis, features, rows)
        return lengths

    def _notes(self, state: Lengths, flagged: Bools) -> dict[str, Any]:
        per_class = np.bincount(state.y[flagged], minlength=len(state.classes))
        return {
            "rule": self.rule,
            "whiten": self.whiten,
            "trusted_rows": state.trusted_rows,
            "trusted_rows_needed": rows_needed(self.max_fpr) if self.rule == "trusted" else 0,
            "flagged_by_class": dict(zip(state.classes, per_class.tolist(), strict=True)),
        }


def spectral_scores(features: Features) -> Scores:
    """Return float64[n], the published score of the rows float32[n, D] of one class."""
    rows = np.arange(len(features))
    return _length(scatter(features), np.eye(features.shape[1]), features, rows) ** 2


def _learned(suspect: Suspect, rows: Rows) -> Rows:
    """Return of the rows of a class those to learn from; all of them where none is left."""
    left = rows[suspect.left[rows]]
    return left if len(left) else rows


def _length(varied: Scatter, basis: Matrix, features: Features, rows: Rows) -> Scores:
    """Return float64[n], how far from the mean each row lies along the widest axis."""
    return np.asarray(np.abs(varied.along(varied.axes(basis, 1), features, rows)[:, 0]))
