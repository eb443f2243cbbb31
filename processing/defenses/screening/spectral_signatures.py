"""Spectral signatures: poison stands out along the direction in which its class varies most."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    FOLDS,
    Calibration,
    Judge,
    calibrated,
    cross_fitted,
    flag_beyond,
    notes_of,
    unjudged_words,
)
from processing.defenses.common.finite import known_features
from processing.defenses.common.scale import rows_by_class
from processing.defenses.common.scatter import Scatter, scatter
from processing.defenses.common.threshold import top_rows
from processing.defenses.common.whitening import Matrix, Whiten, basis_of

_NONE_LEFT = "no other row of the class is left to learn from"


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
      `max_fpr`. Each row, suspect or trusted, is scored along an axis that four fifths of both without
      it have found: along the axis in which rows vary most they vary more than others do, by chance
      alone, as they have chosen it.

    Attributes
    ----------
    eps : float
        For `paper`: the share of a class that is expected to be poison.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the
        trusted ones. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
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

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Score every row along an axis of its class; raises BadInput where a feature is no number."""
        known_features(suspect)
        return self._published(suspect) if self.rule == "paper" else self._calibrated(suspect)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag what lies further out than trusted rows do, or the furthest share of every class."""
        if self.rule == "trusted":
            return flag_beyond(scored, self.max_fpr)
        flagged = np.zeros(len(scored.scores), bool)
        for rows in rows_by_class(scored.state.y):
            flagged[top_rows(scored.scores, rows, 1.5 * self.eps)] = True
        notes = {"rule": self.rule, **notes_of(scored.state, flagged)}
        return Finding(scored.scores, flagged, notes=notes, warnings=unjudged_words(scored.state))

    def _calibrated(self, suspect: Suspect) -> Scored[Calibration]:
        every = _varied(suspect, suspect.left)

        def fit(learned: Bools, trusted: Bools) -> Judge:
            basis = basis_of(self.whiten, suspect.trusted_features[trusted], suspect.trusted_y[trusted])
            varied = dict(every)
            for label, held in _varied(suspect, suspect.left & ~learned).items():
                if held.rows < every[label].rows:
                    varied[label] = every[label].without(held)
                else:
                    del varied[label]
            axes = {label: each.axes(basis, 1) for label, each in varied.items()}

            def score(features: Features, y: Labels, rows: Rows) -> Scores:
                out = np.full(len(rows), np.nan)
                for mine in rows_by_class(y[rows]):
                    label = int(y[rows[mine[0]]])
                    if label in varied:
                        out[mine] = _length(varied[label], axes[label], features, rows[mine])
                return out

            absent = [label for label in np.unique(suspect.y).tolist() if label not in varied]
            return Judge(score, {"whiten": self.whiten}, dict.fromkeys(absent, _NONE_LEFT))

        return cross_fitted(suspect, fit, parts=FOLDS)

    def _published(self, suspect: Suspect) -> Scored[Calibration]:
        basis = basis_of(self.whiten, suspect.trusted_features, suspect.trusted_y)
        scores, why = np.full(len(suspect.y), np.nan), {}
        varied = _varied(suspect, suspect.left)
        for rows in rows_by_class(suspect.y):
            label = int(suspect.y[rows[0]])
            if label in varied:
                scores[rows] = (
                    _length(varied[label], varied[label].axes(basis, 1), suspect.features, rows) ** 2
                )
            else:
                why[label] = _NONE_LEFT
        return calibrated(suspect, scores, np.zeros(0), why, {"whiten": self.whiten})


def spectral_scores(features: Features) -> Scores:
    """Return float64[n], the published score of the rows float32[n, D] of one class."""
    varied = scatter(features)
    axes = varied.axes(np.eye(features.shape[1]), 1)
    return _length(varied, axes, features, np.arange(len(features))) ** 2


def _varied(suspect: Suspect, learned: Bools) -> dict[int, Scatter]:
    """Return by label how the rows of it vary that are learned from; nothing of a label without any."""
    rows = np.flatnonzero(learned)
    return {
        int(suspect.y[rows[mine[0]]]): scatter(suspect.features, rows[mine])
        for mine in rows_by_class(suspect.y[rows])
    }


def _length(varied: Scatter, axes: Matrix, features: Features, rows: Rows) -> Scores:
    """Return float64[n], how far from the mean each row lies along the first of the axes."""
    return np.asarray(np.abs(varied.along(axes, features, rows)[:, 0]))
