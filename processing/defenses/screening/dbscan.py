"""DBSCAN: a row that lies in no cluster of its class which holds trusted rows is suspect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    NO_TRUSTED_ROW,
    Calibration,
    Fit,
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
from processing.defenses.common.neighbors import nearest
from processing.defenses.common.scale import rows_by_class
from processing.defenses.common.scatter import Scatter, scatter
from processing.defenses.common.whitening import Matrix, Whiten, basis_of

_FIT_ROWS = 4096  # all pairs of which, should they all be neighbors, are 128 MiB
_ROUNDING = 1e-6  # of float32, with room
_FEW = "too few rows of the class are left to make a cluster"
_STILL = "its rows do not differ from one another"
_NO_CLUSTER = "no cluster of the class holds a trusted row"


@dataclass(frozen=True)
class Group:
    """What a class is clustered by.

    Attributes
    ----------
    drawn : int64[n]
        The rows that DBSCAN is fitted on.
    varied : Scatter
        How all of its rows vary.
    """

    drawn: Rows
    varied: Scatter


@dataclass(frozen=True)
class Clusters:
    """The clusters of one class that hold trusted rows.

    Attributes
    ----------
    varied : Scatter
    axes : float64[D, d]
        Along which rows are measured.
    cores : float64[n, d]
        The core points of these clusters.
    eps : float
        How near a row must be to one of them to belong.
    facts : mapping
    """

    varied: Scatter
    axes: Matrix
    cores: Matrix
    eps: float
    facts: dict[str, Any]

    def apart(self, features: Features, rows: Rows) -> Scores:
        """Return float64[n], how far rows of float32[N, D] are from the nearest core point, in `eps`."""
        points = self.varied.along(self.axes, features, rows)
        return nearest(points, self.cores, 1).apart[:, 0].astype(np.float64) / self.eps


class Dbscan(Detector):
    """The distance to the nearest cluster of its class, by density, that holds trusted rows.

    Each class of the suspect set is clustered by DBSCAN among its first principal components. A cluster holds
    trusted rows if those of the class fall within `eps` of its core points at a rate of at least
    `min_clean_share` of that of its suspect rows. A row's score is its distance, in `eps`, to the nearest
    core point of such a cluster: at most 1 if it belongs to one, above if it is noise or in another.

    `eps` is not set: as its authors advise it is read off the sorted distances to the `min_samples`-th
    neighbor, where they begin to rise steeply (furthest from the straight line between the ends); where that
    makes no cluster that holds trusted rows, it is the largest. The distances are those of trusted rows, to
    suspect rows of their class, so poison does not shape that curve.

    As published (`rule = "paper"`) all rows go whose score is above 1, many clean ones among them. The
    default (`rule = "trusted"`) puts the scores of a class on one scale by its trusted rows, and flags above
    the order statistic of the trusted rows' scores that a further clean row exceeds with probability
    `max_fpr`. Every row is scored by clusters of other suspect rows (half of its class), so no row is a core
    point to itself, and each trusted row by a whitening and an `eps` that were found without it. Rows of a
    class without a trusted row, or with fewer than `min_samples` rows a half, are not judged; a warning says
    so.

    DBSCAN keeps all neighbors of all rows in memory. So it is fitted on at most 4,096 rows of a class, drawn
    by the seed, with a ball tree, and the others are measured by the core points that these give.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    whiten : str
        `trusted` (ours, see `processing.defenses.common.whitening`) whitens before the features are reduced;
        `none`.
    dimensions : int
        Principal components that are kept.
    min_samples : int
        Rows within `eps`, itself among them, that make a row a core point.
    min_clean_share : float
        See above; 0.5 is that trusted rows account for half of a cluster.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "DBSCAN"
    source: ClassVar[str] = (
        "Ester et al. 1996, A density-based algorithm for discovering clusters in large spatial databases "
        "with noise"
    )
    assumes: ClassVar[str] = "poison of a class is lone, or a dense cluster with a gap around it"
    costs: ClassVar[str] = (
        "one pass of the victim, then DBSCAN of every class seven times; 1 / max_fpr trusted rows, of every "
        "class some"
    )
    fails: ClassVar[str] = "poison that touches the clean rows of its class, for both are then one cluster"

    kind: Literal["dbscan"] = "dbscan"
    rule: Literal["trusted", "paper"] = "trusted"
    whiten: Whiten = "trusted"
    dimensions: int = Field(default=10, ge=1)
    min_samples: int = Field(default=10, ge=2)
    min_clean_share: float = Field(default=0.5, ge=0, le=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Measure how far every row lies from its class; raises BadInput where that is no number."""
        known_features(suspect)
        if self.rule == "trusted":
            return cross_fitted(suspect, self._fit(suspect), parts=2)
        judge = self._fit(suspect)(suspect.left, np.ones(len(suspect.trusted_y), bool))
        scores = judge.score(suspect.features, suspect.y, np.arange(len(suspect.y)))
        return calibrated(suspect, scores, np.zeros(0), judge.why, judge.facts)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that lie further out than trusted rows do, or in no cluster that holds any."""
        if self.rule == "trusted":
            return flag_beyond(scored, self.max_fpr)
        flagged = scored.scores > 1
        notes = {"rule": self.rule, **notes_of(scored.state, flagged)}
        return Finding(scored.scores, flagged, 1.0, notes, unjudged_words(scored.state))

    def _fit(self, suspect: Suspect) -> Fit:
        groups: dict[tuple[int, bytes], Group] = {}

        def group(label: int, left: Rows) -> Group:
            """How the rows vary does not depend on the trusted ones: once is enough."""
            key = label, left.tobytes()
            if key not in groups:
                drawn = draw(left, _FIT_ROWS, suspect.seed)
                groups[key] = Group(drawn, scatter(suspect.features, left))
            return groups[key]

        def fit(learned: Bools, trusted: Bools) -> Judge:
            known, known_y = suspect.trusted_features[trusted], suspect.trusted_y[trusted]
            basis = basis_of(self.whiten, known, known_y)
            found: dict[int, Clusters] = {}
            why: dict[int, str] = {}
            for label in np.unique(suspect.y).tolist():
                left, mine = np.flatnonzero(learned & (suspect.y == label)), known[known_y == label]
                made: Clusters | str = NO_TRUSTED_ROW if len(left) >= self.min_samples else _FEW
                if len(left) >= self.min_samples and len(mine):
                    made = self._clusters(suspect.features, group(label, left), mine, basis)
                if isinstance(made, Clusters):
                    found[label] = made
                else:
                    why[label] = made
            facts = {suspect.classes[label]: clusters.facts for label, clusters in found.items()}
            return Judge(_measured_by(found), {"whiten": self.whiten, "classes": facts}, why)

        return fit

    def _clusters(self, features: Features, group: Group, known: Features, basis: Matrix) -> Clusters | str:
        """Return the clusters of a class that hold any of the trusted rows float32[m, D], or why none."""
        axes = group.varied.axes(basis, self.dimensions)
        points, trusted = group.varied.along(axes, features, group.drawn), group.varied.along(axes, known)
        # A row of the class counts among its own neighbors; a trusted row does not.
        apart = nearest(trusted, points, self.min_samples - 1).apart[:, -1].astype(np.float64)
        for eps in (knee(apart), float(apart.max())):
            if eps <= _ROUNDING * float(np.abs(trusted).max()):
                return _STILL
            cores, facts = self._cores(points, trusted, eps)
            if len(cores):
                return Clusters(group.varied, axes, cores, eps, facts)
        return _NO_CLUSTER

    def _cores(self, points: Matrix, trusted: Matrix, eps: float) -> tuple[Matrix, dict[str, Any]]:
        """Return float64[n, d], the core points of the clusters that hold trusted rows; and what to note."""
        from sklearn.cluster import DBSCAN

        with fitting():
            made = DBSCAN(eps=eps, min_samples=self.min_samples, algorithm="ball_tree").fit(points)
        core, clusters = made.core_sample_indices_, int(made.labels_.max()) + 1
        if not len(core):
            return points[:0], {}
        number, near = made.labels_[core], nearest(trusted, points[core], 1)
        held = np.bincount(number[near.rows[:, 0]][near.apart[:, 0] <= eps], minlength=clusters)
        sizes = np.bincount(made.labels_[made.labels_ >= 0], minlength=clusters)
        clean = populated(held, sizes, self.min_clean_share)
        noise = round(float((made.labels_ < 0).mean()), 4)
        facts = {"eps": round(eps, 4), "clusters": clusters, "held": int(clean.sum()), "noise": noise}
        return points[core[clean[number]]], facts


def _measured_by(found: dict[int, Clusters]) -> Callable[[Features, Labels, Rows], Scores]:
    """Return how rows are measured by the clusters of their classes, NaN where there are none."""

    def score(features: Features, y: Labels, rows: Rows) -> Scores:
        out = np.full(len(rows), np.nan)
        for mine in rows_by_class(y[rows]):
            clusters = found.get(int(y[rows[mine[0]]]))
            if clusters is not None:
                out[mine] = clusters.apart(features, rows[mine])
        return out

    return score


def knee(distances: Scores) -> float:
    """Return where the sorted float64[m], at least one, are furthest below the line between their ends.

    Of equal ones the last; of two or fewer, and where none lies below, the largest.
    """
    ordered = np.sort(distances)
    below = np.linspace(ordered[0], ordered[-1], len(ordered)) - ordered
    at = len(ordered) - 1 - int(np.argmax(below[::-1]))
    return float(ordered[at] if below[at] > 0 else ordered[-1])
