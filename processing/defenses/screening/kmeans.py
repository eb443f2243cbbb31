"""k-means: a row far from every cluster that trusted rows of its label populate is suspect."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    NO_TRUSTED_ROW,
    Calibration,
    Judge,
    calibrated,
    cross_fitted,
    flag_beyond,
    notes_of,
    populated,
    unjudged_words,
)
from processing.defenses.common.estimators import draw, fitting
from processing.defenses.common.finite import known_features
from processing.defenses.common.neighbors import to_centers
from processing.defenses.common.scale import rows_by_class
from processing.defenses.common.threshold import top_rows
from processing.defenses.common.whitening import Matrix, Whiten, basis_of

_FIT_ROWS = 16_384
_STARTS = 3
_NONE_LEFT = "no row is left to make clusters of"


class KMeans(Detector):
    """The distance to the nearest cluster that trusted rows of the label populate.

    The suspect rows are clustered by k-means, all together or each class by itself. Rows that k-means would
    call outliers are those far from their center, and as published (`rule = "paper"`, `whiten = "none"`) the
    farthest `share` of each class goes, poisoned or not. (Chawla and Gionis also leave these rows out of the
    means at every step; that is not done here.) Poison that is many rows has a center of its own, though, and
    lies at it.

    So by default (`rule = "trusted"`) a row is measured by its distance to the nearest of those clusters that
    trusted rows of its label populate: that fall to them at a rate of at least `min_clean_share` of that of
    the suspect rows of the label. The distances of a label are put on one scale by its trusted rows, and the
    threshold is the order statistic of the trusted rows' scores that a further clean row exceeds with
    probability `max_fpr`. Every row is scored by clusters that were made of other suspect rows (half of
    them), and each trusted row by those found to be populated without it. Rows of a class without a trusted
    row are not judged, and a warning says so.

    Clusters are made of at most 16,384 rows (of a class, where each has its own), drawn by the seed.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    whiten : str
        `trusted` (ours, see `processing.defenses.common.whitening`) or `none`.
    over : str
        `all`: clusters of all rows together, so that a row with a wrong label lies in a cluster of its true
        class. `class`: clusters of each class by itself.
    clusters_per_class : int
        Clusters of a class; where they are of all rows, as many for each class that there is.
    min_clean_share : float
        See above; 0.5 is that trusted rows account for half of a cluster.
    share : float
        For `paper`: the share of each class that is flagged.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "k-means"
    source: ClassVar[str] = (
        "Chawla and Gionis 2013, k-means--: a unified approach to clustering and outlier detection"
    )
    assumes: ClassVar[str] = "poison lies where clean rows with its label do not, among the victim's features"
    costs: ClassVar[str] = (
        "one pass of the victim, then k-means seven times; 1 / max_fpr trusted rows, some of every class"
    )
    fails: ClassVar[str] = (
        "poison within the clean clusters of its label, and too few clusters for the classes"
    )

    kind: Literal["kmeans"] = "kmeans"
    rule: Literal["trusted", "paper"] = "trusted"
    whiten: Whiten = "trusted"
    over: Literal["all", "class"] = "all"
    clusters_per_class: int = Field(default=2, ge=1)
    min_clean_share: float = Field(default=0.5, ge=0, le=1)
    share: float = Field(default=0.05, gt=0, lt=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Measure how far every row lies from its clusters; raises BadInput where that is no number."""
        known_features(suspect)
        if self.rule == "trusted":
            return cross_fitted(suspect, lambda *learned: self._fit(suspect, *learned), parts=2)
        basis = basis_of(self.whiten, suspect.trusted_features, suspect.trusted_y)
        scores, why = np.full(len(suspect.y), np.nan), {}
        for label, (centers, _) in self._clusters(suspect, suspect.left, basis).items():
            rows = np.flatnonzero(suspect.y == label)
            if len(centers):
                scores[rows] = to_centers(suspect.features, basis, centers, rows).min(1)
            else:
                why[label] = _NONE_LEFT
        return calibrated(suspect, scores, np.zeros(0), why, {})

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that lie further out than trusted rows do, or the furthest share of every class."""
        if self.rule == "trusted":
            return flag_beyond(scored, self.max_fpr)
        flagged = np.zeros(len(scored.scores), bool)
        for rows in rows_by_class(scored.state.y):
            flagged[top_rows(scored.scores, rows, self.share)] = True
        notes = {"rule": self.rule, "whiten": self.whiten, "over": self.over}
        found = notes | notes_of(scored.state, flagged)
        return Finding(scored.scores, flagged, notes=found, warnings=unjudged_words(scored.state))

    def _clusters(self, suspect: Suspect, learned: Bools, basis: Matrix) -> dict[int, tuple[Matrix, Rows]]:
        """Return for each label its centers, float64[K, D], and the rows, int64[n], they were made of."""
        labels = [int(label) for label in np.unique(suspect.y)]
        left = np.flatnonzero(learned)
        if self.over == "all":
            made = self._centers(suspect, left, self.clusters_per_class * len(labels), basis)
            return {label: (made[0], made[1][suspect.y[made[1]] == label]) for label in labels}
        mine = {label: left[suspect.y[left] == label] for label in labels}
        return {
            label: self._centers(suspect, mine[label], self.clusters_per_class, basis) for label in labels
        }

    def _centers(self, suspect: Suspect, left: Rows, most: int, basis: Matrix) -> tuple[Matrix, Rows]:
        from sklearn.cluster import KMeans as Lloyd

        rows = draw(left, _FIT_ROWS, suspect.seed)
        if not len(rows):
            return np.zeros((0, len(basis))), rows
        points = suspect.features[rows]
        white = (points - points.mean(0)) @ basis.astype(np.float32)
        with fitting():
            lloyd = Lloyd(min(most, len(rows)), n_init=_STARTS, random_state=suspect.seed)
            found = lloyd.fit(white).labels_
        return np.stack([points[found == k].mean(0, dtype=np.float64) for k in np.unique(found)]), rows

    def _fit(self, suspect: Suspect, learned: Bools, trusted: Bools) -> Judge:
        known, known_y = suspect.trusted_features[trusted], suspect.trusted_y[trusted]
        basis = basis_of(self.whiten, known, known_y)
        kept: dict[int, Matrix] = {}
        facts, why = {}, {}
        for label, (centers, rows) in self._clusters(suspect, learned, basis).items():
            name, mine = suspect.classes[label], np.flatnonzero(known_y == label)
            if not len(centers) or not len(mine):
                why[label] = NO_TRUSTED_ROW if len(centers) else _NONE_LEFT
                continue
            counts = [
                np.bincount(to_centers(*view).argmin(1), minlength=len(centers))
                for view in ((known, basis, centers, mine), (suspect.features, basis, centers, rows))
            ]
            clean = populated(counts[0], counts[1], self.min_clean_share)
            kept[label] = centers[clean]
            facts[name] = {"clusters": int(np.count_nonzero(counts[1])), "populated": int(clean.sum())}

        def score(features: Features, y: Labels, rows: Rows) -> Scores:
            out = np.full(len(rows), np.nan)
            for mine in rows_by_class(y[rows]):
                centers = kept.get(int(y[rows[mine[0]]]))
                if centers is not None:
                    out[mine] = to_centers(features, basis, centers, rows[mine]).min(1)
            return out

        return Judge(score, {"whiten": self.whiten, "over": self.over, "classes": facts}, why)
