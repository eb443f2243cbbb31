"""Deep k-NN: a row whose nearest neighbors among the features mostly have another label is suspect."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from boomerang.blocks import slices
from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Features, Finding, Scored, Scores, Suspect
from processing.defenses.common.calibration import (
    Calibration,
    calibrated,
    flag_beyond,
    notes_of,
    unjudged_words,
)
from processing.defenses.common.finite import known_features
from processing.defenses.common.neighbors import Neighbors, differ, nearest

_BLOCK_ROWS = 4096
_STILL = "the rows that are left do not differ from one another"
_ALONE = "no two rows of the class are left to learn from"


class Votes(NamedTuple):
    """What the neighbors of rows say.

    Attributes
    ----------
    others : float64[n], 0..1
        The weighted share of those with another label.
    outvoted : bool[n]
        Whether some other label is more frequent among them than the row's own.
    """

    others: Scores
    outvoted: Bools


class DeepKnn(Detector):
    """The share of other labels among the k nearest neighbors, in the victim's features.

    A clean-label poison is made to lie among the rows of another class, where the network's features come
    from elsewhere and only the head is trained (feature collision, convex polytope). Its neighbors then
    have another label, as those of a row with a wrong label do. As published (`rule = "paper"`) a row goes
    whose label is not the most frequent one of its k nearest neighbors; one that shares the first place
    stays. k should be above twice the number of poisons, for then these cannot have the majority among
    themselves.

    What departs from it:

    * The score is the share of other labels, in which a neighbor's weight falls smoothly with its distance,
      from 1 to exp(-1/2) at the k-th: so few rows have the same.
    * A row looks at no more neighbors than half the rows of its class: in a small class no row could
      otherwise have the majority of its own. The published rule is held to that too.
    * With `rule = "trusted"` (default) the threshold is the order statistic of the trusted rows' scores,
      which are measured among the suspect rows as these are, that a further clean row exceeds with
      probability `max_fpr`. Trusted rows are never neighbors, so none is measured by itself.

    Rows of a class of which fewer than two are left, and rows that are all the same, are not judged, and a
    warning says so. Distances are
    Euclidean and not whitened, as in the paper.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    k : int
        Neighbors; twice the poisons that are expected.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "deep k-NN"
    source: ClassVar[str] = "Peri et al. 2020, Deep k-NN defense against clean-label data poisoning attacks"
    assumes: ClassVar[str] = "poison lies among rows of another label, and is fewer than half of k there"
    costs: ClassVar[str] = (
        "one pass of the victim; then the distances of all pairs of rows; 1 / max_fpr trusted rows"
    )
    fails: ClassVar[str] = (
        "what the victim has learned by heart, for it then lies among its label: the features have to come "
        "from elsewhere"
    )

    kind: Literal["deep_knn"] = "deep_knn"
    rule: Literal["trusted", "paper"] = "trusted"
    k: int = Field(default=100, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Ask every row's neighbors for their labels; raises BadInput where features are no numbers."""
        features, trusted = known_features(suspect)
        scores, outvoted = self._votes(suspect, features, suspect.y, itself=np.arange(len(suspect.y)))
        still = not differ(features, np.flatnonzero(suspect.left))
        if still:
            scores[:] = np.nan
        why = dict.fromkeys(np.unique(suspect.y[np.isnan(scores)]).tolist(), _STILL if still else _ALONE)
        if self.rule == "paper":
            # Above 1 and up to 2 where the vote is lost: the order within is that of the shares.
            scores = scores + outvoted
            return calibrated(suspect, scores, np.zeros(0), why, {"k": self.k})
        held = self._votes(suspect, trusted, suspect.trusted_y).others
        return calibrated(suspect, scores, held, why, {"k": self.k})

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows with more of other labels around than trusted rows have, or that are outvoted."""
        if self.rule == "trusted":
            return flag_beyond(scored, self.max_fpr)
        flagged = scored.scores > 1
        notes = {"rule": self.rule, **notes_of(scored.state, flagged)}
        return Finding(scored.scores, flagged, 1.0, notes, unjudged_words(scored.state))

    def _votes(self, suspect: Suspect, features: Features, y: Labels, itself: Rows | None = None) -> Votes:
        """Return the votes on float32[n, D] with labels int64[n]; NaN where no neighbor could agree."""
        left = np.flatnonzero(suspect.left)
        per_label = np.bincount(suspect.y[left], minlength=len(suspect.classes))
        most = np.clip(per_label // 2, 1, self.k)
        votes = Votes(np.full(len(y), np.nan), np.zeros(len(y), bool))
        for part in slices(len(y), _BLOCK_ROWS):
            found = nearest(
                features[part],
                suspect.features,
                self.k,
                among=left,
                itself=None if itself is None else itself[part],
            )
            judged = per_label[y[part]] >= 2
            others, outvoted = vote(found, suspect.y, y[part], most[y[part]])
            votes.others[part] = np.where(judged, others, np.nan)
            votes.outvoted[part] = judged & outvoted
        return votes


def vote(found: Neighbors, labels: Labels, y: Labels, most: Rows) -> Votes:
    """Return what neighbors say of rows.

    Parameters
    ----------
    found : Neighbors of [n, k]
    labels : int64[N]
        Of the points that neighbors are rows of.
    y : int64[n]
        The rows' own labels.
    most : int64[n], at least 1
        How many of its neighbors each row looks at.
    """
    columns = found.rows.shape[1]
    if not columns:
        return Votes(np.zeros(len(y)), np.zeros(len(y), bool))
    counts = np.arange(columns) < most[:, None]
    theirs = labels[found.rows]
    edge = found.apart[np.arange(len(y)), np.minimum(most, columns) - 1].astype(np.float64)
    scale = np.where(edge > 0, edge, 1.0)[:, None]
    weights = np.exp(-((np.minimum(found.apart / scale, 1.0)) ** 2) / 2) * counts
    other = theirs != y[:, None]
    # Labels told apart by row, so that one count serves all rows.
    width = int(labels.max()) + 1
    places = np.arange(len(y))[:, None] * width + theirs
    ballots = np.bincount(places[counts], minlength=len(y) * width).reshape(len(y), width)
    own = ballots[np.arange(len(y)), np.minimum(y, width - 1)] * (y < width)
    return Votes((weights * other).sum(1) / weights.sum(1), ballots.max(1) > own)
