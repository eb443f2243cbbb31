"""z-score: a row that lies far from the mean of its class is suspect."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    Calibration,
    Judge,
    calibrated,
    cross_fitted,
    flag_beyond,
    notes_of,
    unjudged_words,
)
from processing.defenses.common.finite import known_features
from processing.defenses.common.neighbors import mean_of, to_centers
from processing.defenses.common.scale import center_and_spread, rows_by_class
from processing.defenses.common.whitening import Whiten, basis_of

_NONE_LEFT = "no row of the class is left to learn from"


class ZScore(Detector):
    """The robust z-score of a row's distance to the mean of its class.

    As published (`rule = "paper"`, `whiten = "none"`): the mean is that of the suspect rows of the class, the
    distances are Euclidean among the features, and a row is flagged whose distance has a modified z-score
    (by median and MAD, Iglewicz and Hoaglin) above `cutoff`. Poison moves that mean and widens that MAD, and
    how many clean rows go depends on how the features are distributed.

    The default departs from it by what the trusted rows tell: the mean is that of the trusted rows of the
    class, the features are whitened, the median and MAD are those of trusted rows, and the threshold is the
    order statistic of their scores that a further clean row exceeds with probability `max_fpr`. Each trusted
    row is scored by a mean and a whitening that were learned without it. A mean of n rows is itself off the
    true one, so a distance to it counts for 1 / sqrt(1 + 1 / n). Rows of a class without a trusted row are
    not judged, and a warning says so.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    whiten : str
        `trusted` (ours, see `processing.defenses.common.whitening`) or `none`.
    cutoff : float
        For `paper`: the modified z-score above which a row is flagged.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "z-score"
    source: ClassVar[str] = (
        "Iglewicz and Hoaglin 1993, How to detect and handle outliers; the distance to the class mean as in "
        "Steinhardt et al. 2017, Certified defenses for data poisoning attacks, and Razmi and Xiong 2021"
    )
    assumes: ClassVar[str] = "a class is one cloud, and poison lies outside it"
    costs: ClassVar[str] = (
        "one pass of the victim, then seconds; 1 / max_fpr trusted rows, of every class some"
    )
    fails: ClassVar[str] = (
        "poison that lies within its class' cloud, and a class of several kinds, where the mean is no row's"
    )

    kind: Literal["z_score"] = "z_score"
    rule: Literal["trusted", "paper"] = "trusted"
    whiten: Whiten = "trusted"
    cutoff: float = Field(default=3.5, gt=0)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Measure how far every row lies from its class' mean; raises BadInput where that is no number."""
        known_features(suspect)
        return self._published(suspect) if self.rule == "paper" else self._calibrated(suspect)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that lie further out than trusted rows do, or than the cutoff."""
        if self.rule == "trusted":
            return flag_beyond(scored, self.max_fpr)
        flagged = scored.scores > self.cutoff
        notes = {"rule": self.rule, "whiten": self.whiten, **notes_of(scored.state, flagged)}
        return Finding(scored.scores, flagged, self.cutoff, notes, unjudged_words(scored.state))

    def _calibrated(self, suspect: Suspect) -> Scored[Calibration]:
        known, known_y = suspect.trusted_features, suspect.trusted_y

        def fit(_: Bools, learned: Bools) -> Judge:
            basis = basis_of(self.whiten, known[learned], known_y[learned])

            def score(features: Features, y: Labels, rows: Rows) -> Scores:
                out = np.full(len(rows), np.nan)
                for mine in rows_by_class(y[rows]):
                    same = np.flatnonzero(learned & (known_y == y[rows[mine[0]]]))
                    if len(same):
                        mean, off = mean_of(known, same), np.sqrt(1 + 1 / len(same))
                        out[mine] = to_centers(features, basis, mean[None], rows[mine])[:, 0] / off
                return out

            return Judge(score, {"whiten": self.whiten})

        return cross_fitted(suspect, fit, parts=1)

    def _published(self, suspect: Suspect) -> Scored[Calibration]:
        basis = basis_of(self.whiten, suspect.trusted_features, suspect.trusted_y)
        scores, why = np.full(len(suspect.y), np.nan), {}
        for rows in rows_by_class(suspect.y):
            left = suspect.left[rows]
            if not left.any():
                why[int(suspect.y[rows[0]])] = _NONE_LEFT
                continue
            mean = mean_of(suspect.features, rows[left])
            apart = to_centers(suspect.features, basis, mean[None], rows)[:, 0]
            center, spread = center_and_spread(apart[left])
            scores[rows] = (apart - center) / (spread or 1.0)
        return calibrated(suspect, scores, np.zeros(0), why, {})
