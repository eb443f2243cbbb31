"""Activation clustering: poison gathers in a cluster of its own among the features of its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.blocks import slices
from boomerang.manifest import Bools, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.halves import halves, silhouette
from processing.defenses.common.scatter import scatter
from processing.defenses.common.whitening import Matrix, whitener

_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class Split:
    """One class cut in two.

    Attributes
    ----------
    small : bool[n]
        Rows of the smaller cluster.
    left : bool[n]
        Rows that shaped the clusters.
    margin : float64[n], -1..1
        How much nearer a row is to the smaller cluster's center than to the other one, over the
        distance of the centers.
    trusted_small : bool[m]
        Trusted rows of the class that fall into the smaller cluster.
    silhouette : float
        Mean silhouette of the split, -1..1.
    """

    small: Bools
    left: Bools
    margin: Scores
    trusted_small: Bools
    silhouette: float


@dataclass(frozen=True)
class Cut:
    """How one class was cut, and what speaks for poison in it.

    Attributes
    ----------
    name : str
    rows : int64[n]
        The class' rows of the suspect set.
    split : Split or None
        None where there was nothing to split.
    clean_share, p_value : float
        See `clean_share` and `rarity`.
    """

    name: str
    rows: Rows
    split: Split | None
    clean_share: float = 1.0
    p_value: float = 1.0


class ActivationClustering(Detector):
    """Two clusters in the features of each class, the smaller one under suspicion.

    Chen et al. reduce the features of a class to ten dimensions, split them by 2-means and call the
    smaller cluster poison if it is small enough. On a clean set that cuts classes that have two kinds
    of pictures. With `rule = "trusted"` the smaller cluster is poison only if trusted rows of the
    class hardly fall into it:

    * by a one-sided Fisher test of (suspect, trusted) x (smaller, larger) at level `alpha`,
      Bonferroni-corrected for the classes, and
    * the share of the cluster that clean rows can account for is at most `max_clean_share`. (The test
      alone would fire on any slight shift between rows the victim has learned and rows it has not.)

    A row's score is its margin towards the smaller cluster, -1..1, times the estimated share of
    poison in that cluster, so that rows of a class without a finding stay near 0.

    Attributes
    ----------
    whiten : str
        `trusted` (ours) whitens the features before they are reduced, so that what sets the clusters
        apart is what clean classes do not do (see `processing.defenses.common.whitening`); `none` is the
        paper's.
    rule : str
        `trusted` (ours); `relative-size` and `smaller` are the paper's.
    dimensions : int
        Principal components that are kept.
    size_threshold : float
        For `relative-size`: the smaller cluster is poison if its share of the class is below.
    alpha, max_clean_share : float
        For `trusted`, see above.
    """

    title: ClassVar[str] = "activation clustering"
    source: ClassVar[str] = (
        "Chen et al. 2018, Detecting backdoor attacks by activation clustering, sections 4-5"
    )
    assumes: ClassVar[str] = "the poison of a class lies in a cluster of its own among the victim's features"
    costs: ClassVar[str] = "one pass of the victim, then seconds; trusted rows of every class"
    fails: ClassVar[str] = (
        "what is under a few percent of a class, what cover rows spread (Adaptive-Blend), wrong labels"
    )

    kind: Literal["activation_clustering"] = "activation_clustering"
    whiten: Literal["trusted", "none"] = "trusted"
    rule: Literal["trusted", "relative-size", "smaller"] = "trusted"
    dimensions: int = Field(default=10, ge=1)
    size_threshold: float = Field(default=0.35, gt=0, le=0.5)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    max_clean_share: float = Field(default=0.3, ge=0, le=1)

    def score(self, suspect: Suspect) -> Scored[list[Cut]]:
        """Cluster each class and score its rows by how near they are to the smaller cluster."""
        basis = self._basis(suspect)
        scores = np.zeros(len(suspect.y))
        cuts = []
        for label, name in enumerate(suspect.classes):
            cut = self._cut(name, label, suspect, basis)
            if cut.split is not None:
                scores[cut.rows] = cut.split.margin * (1 - cut.clean_share)
            cuts.append(cut)
        return Scored(scores, cuts)

    def decide(self, scored: Scored[list[Cut]]) -> Finding:
        """Flag the smaller cluster of every class in which the rule finds it to be poison."""
        flagged = np.zeros(len(scored.scores), bool)
        notes: dict[str, Any] = {}
        for cut in scored.state:
            if cut.split is None:
                notes[cut.name] = {"rows": len(cut.rows), "poisonous": False, "why": "nothing to split"}
                continue
            poisonous = self._is_poison(cut.split, cut.clean_share, cut.p_value, len(scored.state))
            flagged[cut.rows] = cut.split.small & poisonous
            notes[cut.name] = _class_notes(cut.split, cut.clean_share, cut.p_value, poisonous)
        found = {"rule": self.rule, "whiten": self.whiten, "classes": notes}
        return Finding(scored.scores, flagged, notes=found, warnings=self._blind(scored.state))

    def _blind(self, cuts: list[Cut]) -> tuple[str, ...]:
        """Return of which classes nothing could have been flagged."""
        whole = [cut.name for cut in cuts if cut.split is None]
        alone = [cut.name for cut in cuts if cut.split is not None and not len(cut.split.trusted_small)]
        said = [f"{', '.join(whole)}: fewer than two rows that differ, so it cut nothing"] if whole else []
        if alone and self.rule == "trusted":
            said.append(f"{', '.join(alone)}: no trusted row of the class, so it flags nothing of it")
        return tuple(said)

    def _cut(self, name: str, label: int, suspect: Suspect, basis: Matrix) -> Cut:
        """Cut a class where there are two different rows to learn from."""
        rows, features = np.flatnonzero(suspect.y == label), suspect.features
        left = suspect.left[rows]
        learned = rows[left]
        if len(learned) < 2 or not _differ(features, learned):
            return Cut(name, rows, None)
        varied = scatter(features, learned)
        axes = varied.axes(basis, min(self.dimensions, len(learned)))
        trusted = np.flatnonzero(suspect.trusted_y == label)
        reduced = varied.along(axes, features, rows)
        reduced_trusted = varied.along(axes, suspect.trusted_features, trusted)
        split = split_in_two(reduced, left, reduced_trusted, suspect.seed)
        return Cut(name, rows, split, clean_share(split), rarity(split))

    def _basis(self, suspect: Suspect) -> Matrix:
        """Return float64[D, D], in which rows are clustered."""
        if self.whiten == "none":
            return np.eye(suspect.features.shape[1])
        return whitener(suspect.trusted_features, suspect.trusted_y)

    def _is_poison(self, split: Split, share: float, p_value: float, classes: int) -> bool:
        if self.rule == "smaller":
            return True
        if self.rule == "relative-size":
            # Rounded to two places as in ART, whose decisions this rule gives.
            return bool(round(float(split.small[split.left].mean()), 2) < self.size_threshold)
        return p_value <= self.alpha / classes and share <= self.max_clean_share


def _differ(features: Features, rows: Rows) -> bool:
    """Whether any two rows differ."""
    first = features[rows[0]]
    return any((features[rows[part]] != first).any() for part in slices(len(rows), _BLOCK_ROWS))


def split_in_two(reduced: Matrix, left: Bools, trusted: Matrix, seed: int) -> Split:
    """Split the rows of one class by 2-means on their principal components.

    Parameters
    ----------
    reduced : float64[n, k]
        The class' rows of the suspect set, along their principal axes.
    left : bool[n], at least two
        Those that shape the clusters; the others are assigned to them.
    trusted : float64[m, k]
        Trusted rows of the class; they are assigned to the clusters and do not shape them.
    seed : int
        Of the starts of 2-means.
    """
    means = halves(reduced[left], seed)
    distances, trusted_distances = means.distances(reduced), means.distances(trusted)
    smaller = int(np.bincount(distances[left].argmin(1), minlength=2).argmin())
    between = float(np.linalg.norm(means.centers[0] - means.centers[1]))
    small = distances[:, smaller] < distances[:, 1 - smaller]
    return Split(
        small=small,
        left=left,
        margin=(distances[:, 1 - smaller] - distances[:, smaller]) / (between or 1.0),
        trusted_small=trusted_distances[:, smaller] < trusted_distances[:, 1 - smaller],
        silhouette=silhouette(reduced[left], small[left], seed),
    )


def clean_share(split: Split) -> float:
    """Estimate the share of the smaller cluster that is clean, 0..1.

    The rate at which trusted rows fall into it, over the rate of the suspect rows. Without trusted
    rows all of it is taken to be clean.
    """
    if not len(split.trusted_small):
        return 1.0
    return float(min(1.0, split.trusted_small.mean() / split.small[split.left].mean()))


def rarity(split: Split) -> float:
    """Return the p-value that trusted rows fall into the smaller cluster as often as suspect rows do.

    One-sided, Fisher's exact test; 1 without trusted rows.
    """
    from scipy.stats import fisher_exact

    table = [[int(mask.sum()), int((~mask).sum())] for mask in (split.trusted_small, split.small[split.left])]
    return float(fisher_exact(table, alternative="less").pvalue)


def _class_notes(split: Split, share: float, p_value: float, poisonous: bool) -> dict[str, Any]:
    return {
        "rows": len(split.small),
        "smaller": int(split.small.sum()),
        "share": round(float(split.small.mean()), 4),
        "trusted_rows": len(split.trusted_small),
        "trusted_in_smaller": int(split.trusted_small.sum()),
        "clean_share": round(share, 4),
        "p_value": float(f"{p_value:.3g}"),
        "silhouette": round(split.silhouette, 4),
        "poisonous": poisonous,
    }
