"""Activation clustering: poison gathers in a cluster of its own among the features of its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Rows
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.whitening import Matrix, whitener

_SILHOUETTE_ROWS = 2000


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

    kind: Literal["activation_clustering"] = "activation_clustering"
    whiten: Literal["trusted", "none"] = "trusted"
    rule: Literal["trusted", "relative-size", "smaller"] = "trusted"
    dimensions: int = Field(default=10, ge=1)
    size_threshold: float = Field(default=0.35, gt=0, le=0.5)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    max_clean_share: float = Field(default=0.3, ge=0, le=1)

    def score(self, suspect: Suspect) -> Scored[list[Cut]]:
        """Cluster each class and score its rows by how near they are to the smaller cluster."""
        features, trusted = self._features(suspect)
        scores = np.zeros(len(suspect.y))
        cuts = []
        for label, name in enumerate(suspect.classes):
            rows = np.flatnonzero(suspect.y == label)
            cut = self._cut(name, rows, suspect, features[rows], trusted[suspect.trusted_y == label])
            if cut.split is not None:
                scores[rows] = cut.split.margin * (1 - cut.clean_share)
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

    def _cut(self, name: str, rows: Rows, suspect: Suspect, features: Matrix, trusted: Matrix) -> Cut:
        """Cut a class, float64[n, D] and float64[m, D], where there are two different rows to learn from."""
        left = suspect.left[rows]
        if left.sum() < 2 or not np.ptp(features[left], axis=0).any():
            return Cut(name, rows, None)
        split = split_in_two(features, left, trusted, self.dimensions, suspect.seed)
        return Cut(name, rows, split, clean_share(split), rarity(split))

    def _features(self, suspect: Suspect) -> tuple[Matrix, Matrix]:
        """Return float64[N, D] and float64[M, D], suspect and trusted rows as they are clustered."""
        wide, trusted = suspect.features.astype(np.float64), suspect.trusted_features.astype(np.float64)
        if self.whiten == "none":
            return wide, trusted
        basis = whitener(suspect.trusted_features, suspect.trusted_y)
        return wide @ basis, trusted @ basis

    def _is_poison(self, split: Split, share: float, p_value: float, classes: int) -> bool:
        if self.rule == "smaller":
            return True
        if self.rule == "relative-size":
            # Rounded to two places as in ART, whose decisions this rule gives.
            return bool(round(float(split.small[split.left].mean()), 2) < self.size_threshold)
        return p_value <= self.alpha / classes and share <= self.max_clean_share


def split_in_two(features: Matrix, left: Bools, trusted: Matrix, dimensions: int, seed: int) -> Split:
    """Split the rows of one class by 2-means on their principal components.

    Parameters
    ----------
    features : float64[n, D]
        The class' rows of the suspect set.
    left : bool[n], at least two
        Those that shape the clusters; the others are assigned to them.
    trusted : float64[m, D]
        Trusted rows of the class; they are assigned to the clusters and do not shape them.
    dimensions : int
        Components that are kept, as far as there are so many.
    seed : int
        Of the starts of 2-means.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    with threadpool_limits(1):  # on so few rows threads only wait for each other
        pca = PCA(min(dimensions, *features[left].shape), svd_solver="full").fit(features[left])
        reduced = pca.transform(features)
        means = KMeans(2, n_init=10, random_state=seed).fit(reduced[left])
        distances = means.transform(reduced)
        trusted_distances = means.transform(pca.transform(trusted)) if len(trusted) else np.zeros((0, 2))
    smaller = int(np.bincount(means.labels_, minlength=2).argmin())
    between = float(np.linalg.norm(means.cluster_centers_[0] - means.cluster_centers_[1]))
    small = distances[:, smaller] < distances[:, 1 - smaller]
    return Split(
        small=small,
        left=left,
        margin=(distances[:, 1 - smaller] - distances[:, smaller]) / (between or 1.0),
        trusted_small=trusted_distances[:, smaller] < trusted_distances[:, 1 - smaller],
        silhouette=_silhouette(reduced[left], small[left], seed),
    )


def _silhouette(reduced: Matrix, small: Bools, seed: int) -> float:
    """Return the mean silhouette; 0 where a cluster of one row leaves nothing to compare."""
    from sklearn.metrics import silhouette_score

    if small.sum() < 2:
        return 0.0
    size = min(len(reduced), _SILHOUETTE_ROWS)  # all pairs of a large class would take long
    rows = np.random.default_rng(seed).choice(len(reduced), size, replace=False)
    both = 0 < small[rows].sum() < size
    return float(silhouette_score(reduced[rows], small[rows])) if both else 0.0


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
