"""Activation clustering: poison gathers in a cluster of its own among the features of its class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Rows
from processing.defenses.common.apart import WHOLE, Part, apart, mostly_poison, part
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.finite import known_features
from processing.defenses.common.halves import halves, silhouette
from processing.defenses.common.neighbors import differ
from processing.defenses.common.scatter import scatter
from processing.defenses.common.whitening import Matrix, Whiten, basis_of

_QUESTIONS = 3  # asked of each class: is the one cluster poison, the other, or all of it?


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

    def smaller(self) -> Part:
        """Return the smaller cluster, what trusted rows there may be in it."""
        return part("smaller", self.small, self.left, self.margin, self.trusted_small)

    def avoided(self) -> Part:
        """Return the cluster that trusted rows fall into less often than suspect rows do.

        It is one of the two, for what is lacking in one of them is in the other; the smaller one where
        both fall into it equally often, or where there are no trusted rows.
        """
        smaller = self.smaller()
        if smaller.clean_share < 1 or not len(self.trusted_small):
            return smaller
        larger = part("larger", ~self.small, self.left, -self.margin, ~self.trusted_small)
        return larger if larger.clean_share < 1 else smaller


@dataclass(frozen=True)
class Cut:
    """How one class was cut, and which part of it is under suspicion.

    Attributes
    ----------
    name : str
    rows : int64[n]
        The class' rows of the suspect set.
    split : Split or None
        None where there was nothing to split.
    part : Part or None
        The same.
    """

    name: str
    rows: Rows
    split: Split | None = None
    part: Part | None = None


class ActivationClustering(Detector):
    """Two clusters in the features of each class, of which the one that trusted rows avoid is suspected.

    Chen et al. reduce the features of a class to ten dimensions, split them by 2-means and call the
    smaller cluster poison if it is small enough. That cuts clean classes that have two kinds of
    pictures, and cannot see poison of more than half a class. With `rule = "trusted"` whichever of the
    two clusters trusted rows of the class fall into less often than suspect rows is under suspicion,
    and it is poison if

    * a one-sided Fisher test of (suspect, trusted) x (in it, not in it) says so at level `alpha`,
      Bonferroni-corrected by three for each class: either cluster could have been the one, and the
      class as a whole is looked at as well;
    * the share of the cluster that clean rows can account for is at most `max_clean_share`. (The test
      alone would fire on any slight shift between rows the victim has learned and rows it has not.)
      It is the rate of trusted rows in the cluster over that of suspect rows, which is never too low
      an estimate: where most of a class is poison it is too high by 1 / (1 - that share).

    Where nearly all of a class is poison, 2-means cuts the poison in two. So a class is cut at the
    middle between the means of its suspect and its trusted rows instead, each row by means made without
    it, where at most 5% of the trusted rows lie on the side of at least 80% of the suspect rows. From
    95% the class as a whole is refused, all its rows are flagged, and a warning says so: with no more
    than 5% left, what is clean of it cannot be told from the edge of what is not.

    A row's score is its margin towards the part under suspicion, -1..1, times the estimated share of
    poison in that part, so that rows of a class without a finding stay near 0 whichever part it is.
    With the published rules it is always the smaller cluster.

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
    alpha : float
        For `trusted`: the chance that any class is flagged of a set that is drawn like the trusted rows.
    max_clean_share : float
        For `trusted`, see above.
    """

    title: ClassVar[str] = "activation clustering"
    source: ClassVar[str] = (
        "Chen et al. 2018, Detecting backdoor attacks by activation clustering, sections 4-5"
    )
    assumes: ClassVar[str] = "the poison of a class lies in a cluster of its own among the victim's features"
    costs: ClassVar[str] = "one pass of the victim, then seconds; trusted rows of every class"
    fails: ClassVar[str] = (
        "what is under 8% of a class with 100 trusted rows of it, what cover rows spread (Adaptive-Blend), "
        "wrong labels"
    )

    kind: Literal["activation_clustering"] = "activation_clustering"
    whiten: Whiten = "trusted"
    rule: Literal["trusted", "relative-size", "smaller"] = "trusted"
    dimensions: int = Field(default=10, ge=1)
    size_threshold: float = Field(default=0.35, gt=0, le=0.5)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    max_clean_share: float = Field(default=0.3, ge=0, le=1)

    def score(self, suspect: Suspect) -> Scored[list[Cut]]:
        """Cut each class and score its rows by how near they are to the part under suspicion.

        Raises
        ------
        BadInput
            If a feature is not finite.
        """
        known_features(suspect)
        basis = basis_of(self.whiten, suspect.trusted_features, suspect.trusted_y)
        scores = np.zeros(len(suspect.y))
        cuts = []
        for label, name in enumerate(suspect.classes):
            cut = self._cut(name, label, suspect, basis)
            if cut.part is not None:
                scores[cut.rows] = cut.part.margin * (1 - cut.part.clean_share)
            cuts.append(cut)
        return Scored(scores, cuts)

    def decide(self, scored: Scored[list[Cut]]) -> Finding:
        """Flag the suspected part of every class in which the rule finds it to be poison."""
        flagged = np.zeros(len(scored.scores), bool)
        notes: dict[str, Any] = {}
        refused = []
        for cut in scored.state:
            if cut.split is None or cut.part is None:
                notes[cut.name] = {"rows": len(cut.rows), "poisonous": False, "why": "nothing to split"}
                continue
            poisonous = self._is_poison(cut.split, cut.part, len(scored.state))
            flagged[cut.rows] = cut.part.rows & poisonous
            notes[cut.name] = _class_notes(cut.split, cut.part, poisonous)
            refused += [cut.name] if poisonous and cut.part.name == WHOLE else []
        found = {"rule": self.rule, "whiten": self.whiten, "classes": notes}
        warnings = self._blind(scored.state)
        if refused:
            why = "nearly all of it lies where trusted rows do not: the class as a whole is refused"
            warnings = (f"{', '.join(refused)}: {why}", *warnings)
        return Finding(scored.scores, flagged, notes=found, warnings=warnings)

    def needs(self, trusted: int, classes: int | None) -> tuple[str, ...]:
        """Return under which share of a class a cluster is too small for the Fisher test of `trusted`."""
        if self.rule != "trusted" or not classes or trusted < classes:
            return ()
        own = trusted // classes
        # None of `own` trusted rows falls into that share with this probability, if the class is large.
        least = 1 - self._level(classes) ** (1 / own)
        return (f"{own} trusted rows of a class cannot tell a cluster that is less than {least:.1%} of it",)

    def _level(self, classes: int) -> float:
        return self.alpha / (_QUESTIONS * classes)

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
        if len(learned) < 2 or not differ(features, learned):
            return Cut(name, rows, None)
        varied = scatter(features, learned)
        axes = varied.axes(basis, min(self.dimensions, len(learned)))
        trusted = np.flatnonzero(suspect.trusted_y == label)
        reduced = varied.along(axes, features, rows)
        reduced_trusted = varied.along(axes, suspect.trusted_features, trusted)
        split = split_in_two(reduced, left, reduced_trusted, suspect.seed)
        if self.rule != "trusted":
            return Cut(name, rows, split, split.smaller())
        margins = apart(features, rows, left, suspect.trusted_features[trusted], basis)
        mostly = None if margins is None else mostly_poison(*margins, left)
        return Cut(name, rows, split, mostly or split.avoided())

    def _is_poison(self, split: Split, part: Part, classes: int) -> bool:
        if self.rule == "smaller":
            return True
        if self.rule == "relative-size":
            # Rounded to two places as in ART, whose decisions this rule gives.
            return bool(round(float(split.small[split.left].mean()), 2) < self.size_threshold)
        return part.p_value <= self._level(classes) and part.clean_share <= self.max_clean_share


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


def _class_notes(split: Split, part: Part, poisonous: bool) -> dict[str, Any]:
    return {
        "rows": len(split.small),
        "smaller": int(split.small.sum()),
        "share": round(float(split.small.mean()), 4),
        "suspected": part.name,
        "suspected_rows": int(part.rows.sum()),
        "trusted_rows": len(split.trusted_small),
        "trusted_in_smaller": int(split.trusted_small.sum()),
        "trusted_in_suspected": int(part.trusted.sum()),
        "clean_share": round(part.clean_share, 4),
        "p_value": float(f"{part.p_value:.3g}"),
        "silhouette": round(split.silhouette, 4),
        "poisonous": poisonous,
    }
