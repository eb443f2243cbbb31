"""SCAn: a class whose rows are two groups of the kind that clean classes are one of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Bools, Labels, Rows
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.finite import known_features
from processing.defenses.common.flagging import beyond
from processing.defenses.common.groups import Groups, candidates, weighted_median
from processing.defenses.common.halves import halves
from processing.defenses.common.scale import center_and_spread, on_one_scale
from processing.defenses.common.scatter import scatter
from processing.defenses.common.variation import variation
from processing.defenses.common.whitening import Matrix

_FOLDS = 5
_LEAST_ROWS = 6  # of which four are left to learn from
_ROWS_FOR_CENTER = 20
_CLASSES_FOR_PAPER = 3
_CRITICAL = float(np.e**2)
_TINY = 1e-12


@dataclass(frozen=True)
class Cloud:
    """The rows of one class.

    Attributes
    ----------
    name : str
    rows : int64[n]
        In the suspect set.
    left : bool[n]
        Those to learn from.
    points : float64[n, k]
        Along the principal axes.
    trusted : int64[m]
        Rows of the class in the trusted set.
    trusted_points : float64[m, k]
    """

    name: str
    rows: Rows
    left: Bools
    points: Matrix
    trusted: Rows
    trusted_points: Matrix

    @property
    def usable(self) -> bool:
        """Whether there are trusted rows, and rows enough that differ."""
        learned = self.points[self.left]
        return len(self.trusted) > 0 and len(learned) >= _LEAST_ROWS and bool(np.ptp(learned, axis=0).any())


@dataclass(frozen=True)
class Found:
    """Two groups in one class.

    Attributes
    ----------
    suspected, trusted : float
        Share of the class in the group under suspicion, and of its trusted rows.
    statistic : float
        `paper`: J_k. `trusted`: the gain of the two groups, log-likelihood for each row.
    """

    suspected: float
    trusted: float
    statistic: float


@dataclass(frozen=True)
class Measured:
    """What was found in each class, by its number, and what trusted rows of these classes score.

    Attributes
    ----------
    found : dict
        Without classes of which nothing can be said.
    z : dict
        `paper`: by how many robust deviations J_k stands out among the classes.
    half : bool[N]
        `paper`: rows of the half under suspicion.
    trusted : float64[M'], on the scale of the scores
    y : int64[N]
    classes : tuple of str
    """

    found: dict[int, Found]
    z: dict[int, float]
    half: Bools
    trusted: Scores
    y: Labels
    classes: tuple[str, ...]


class Scan(Detector):
    """Two groups in a class, apart by more than rows of a clean class differ.

    Tang et al. take a row for the sum of its class and its own variation, N(0, S_e), which is the same
    in all classes and learned by EM from clean rows. A poisoned class is two such groups. As published
    (`rule = "paper"`) each class is split in two along F, the inverse of S_e, which is 2-means after
    whitening; J_k is by how much the split shortens the squared distances of its rows, and a class whose
    J_k lies e^2 robust deviations above the classes' median is poisoned. All of the half with fewer
    trusted rows goes. Our one change there: 2-means starts ten times. That finds large shares. A
    small one adds less to J_k than classes differ anyway, though its rows lie in plain sight.

    The default, `rule = "trusted"`, asks of each row what the paper asks of the class:

    * The two groups are a mixture of N(c_0, S_e) and N(c_1, S_e) (see `processing.defenses.common.groups`),
      which unlike 2-means finds a small group. Of what EM finds from sixteen starts the pair is kept that
      has the largest gain in likelihood times the share of the group that trusted rows do not account for.
      The group that they avoid is suspected, be it the larger or the smaller.
    * A row's score is the log-likelihood ratio of the two groups, the best there is for telling N(c_0, S_e)
      from N(c_1, S_e). It is linear: the distance from c_0 along F (c_1 - c_0). Its offset (of how many
      rows are poison) and its factor (of how far off they are) differ by class, and would let a class in
      which there is no second group set the threshold of one in which there is. So it is taken in
      deviations of the class' trusted rows, from the median of its rows that are not suspected. That
      leaves out a shift common to all rows the victim has learned.
    * The threshold is the order statistic of the trusted rows' scores that a further clean row exceeds
      with probability `max_fpr`. No row, trusted or suspect, has had a part in what it is scored by: the
      covariance, the groups and the choice among them come from four fifths of both, and score the
      last fifth. For the suspect rows that matters no less. What sticks out of a clean class by chance is
      taken for a group, and if it was scored along it, .005 became .013 in drawn features.

    In both rules features are reduced to the principal components of the suspect rows, and S_e is shrunk
    (see `processing.defenses.common.variation`). The components are not the trusted rows', for what these
    do not do is what is looked for. A class without trusted rows is scored 0, and a warning says so.

    With `paper` a row's score is its margin towards the suspected half, -1..1, times the class' robust
    deviations above the median, 0 below it.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    dimensions : int
        Principal components that are kept.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted
        ones. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "SCAn"
    source: ClassVar[str] = "Tang et al. 2021, Demon in the variant, USENIX Security, section 4"
    assumes: ClassVar[str] = "clean classes vary alike, and poison lies off its class in one direction"
    costs: ClassVar[str] = (
        "one pass of the victim, then seconds; 1 / max_fpr trusted rows, some of each class"
    )
    fails: ClassVar[str] = (
        "a class that is poison all through, what lies within the spread of its class (Adaptive-Blend), "
        "wrong labels; as published, less than a tenth of a class, and several poisoned classes at once"
    )

    kind: Literal["scan"] = "scan"
    rule: Literal["trusted", "paper"] = "trusted"
    dimensions: int = Field(default=128, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=0.5)

    def score(self, suspect: Suspect) -> Scored[Measured]:
        """Find two groups in each class, and score its rows towards the one under suspicion.

        Raises
        ------
        BadInput
            If a feature is not finite.
        """
        known_features(suspect)
        if not suspect.left.any():
            return Scored(
                np.zeros(len(suspect.y)),
                Measured({}, {}, ~suspect.left, np.zeros(0), suspect.y, suspect.classes),
            )
        varied = scatter(suspect.features, np.flatnonzero(suspect.left))
        width = suspect.features.shape[1]
        axes = varied.axes(np.eye(width), self.dimensions)
        trusted_points = varied.along(axes, suspect.trusted_features)

        def cloud(label: int) -> Cloud:
            rows, trusted = np.flatnonzero(suspect.y == label), np.flatnonzero(suspect.trusted_y == label)
            points = varied.along(axes, suspect.features, rows)
            left = suspect.left[rows]
            return Cloud(suspect.classes[label], rows, left, points, trusted, trusted_points[trusted])

        if self.rule == "paper":
            return _halved(suspect, trusted_points, cloud)
        return _grouped(suspect, trusted_points, cloud)

    def decide(self, scored: Scored[Measured]) -> Finding:
        """Flag what scores higher than trusted rows do, or the suspected half of classes that stand out."""
        scores, state = scored.scores, scored.state
        if self.rule == "trusted":
            finding = beyond(scores, state.trusted, self.max_fpr)
        else:
            out = np.array([state.z.get(k, 0.0) > _CRITICAL for k in range(len(state.classes))])
            finding = Finding(scores, state.half & out[state.y], notes={"rule": self.rule})
        return finding.beside({"classes": self._classes(state, finding.flagged)}, self._blind(state))

    def _blind(self, state: Measured) -> tuple[str, ...]:
        missing = [name for k, name in enumerate(state.classes) if k not in state.found]
        why = "no trusted row of the class, or no rows that differ, so it flags nothing of it"
        said = [f"{', '.join(missing)}: {why}"] if missing else []
        if self.rule == "paper" and not state.z:
            said.append("too few classes, or all alike, to tell which stands out: it flags nothing")
        return tuple(said)

    def _classes(self, state: Measured, flagged: Bools) -> dict[str, Any]:
        counts = np.bincount(state.y[flagged], minlength=len(state.classes)).tolist()
        classes: dict[str, Any] = {}
        for label, name in enumerate(state.classes):
            classes[name] = {"rows": int((state.y == label).sum()), "flagged": counts[label]}
            if found := state.found.get(label):
                classes[name] |= {
                    "suspected": "larger" if found.suspected > 0.5 else "smaller",
                    "suspected_share": round(found.suspected, 4),
                    "trusted_share": round(found.trusted, 4),
                    "j" if self.rule == "paper" else "gain": round(found.statistic, 4),
                }
            if label in state.z:
                classes[name]["z"] = round(state.z[label], 2)
        return classes


def _halved(suspect: Suspect, trusted_points: Matrix, cloud: Callable[[int], Cloud]) -> Scored[Measured]:
    """Split each class along F, and say whose split explains more than the other classes' do."""
    whiten = variation(trusted_points, suspect.trusted_y).whitener()
    scores, half = np.zeros(len(suspect.y)), np.zeros(len(suspect.y), bool)
    found: dict[int, Found] = {}
    for label in range(len(suspect.classes)):
        one = cloud(label)
        if not one.usable:
            continue
        points = one.points @ whiten
        means = halves(points[one.left], suspect.seed)
        distances, trusted = means.distances(points), means.distances(one.trusted_points @ whiten)
        side = np.bincount(distances.argmin(1)[one.left], minlength=2)
        hits = np.bincount(trusted.argmin(1), minlength=2)
        # Fewer trusted rows; of halves that have equally many, fewer rows.
        k = min((0, 1), key=lambda i: (hits[i], side[i]))
        half[one.rows] = distances.argmin(1) == k
        between = float(np.linalg.norm(means.centers[0] - means.centers[1])) or 1.0
        scores[one.rows] = (distances[:, 1 - k] - distances[:, k]) / between
        about = ((points[one.left] - points[one.left].mean(0)) ** 2).sum(1)
        explained = float((about - distances[one.left].min(1) ** 2).mean())
        found[label] = Found(float(side[k] / side.sum()), float(hits[k] / hits.sum()), explained)
    z = _stand_out({label: one.statistic for label, one in found.items()})
    for label in range(len(suspect.classes)):
        scores[suspect.y == label] *= max(0.0, z.get(label, 0.0))
    return Scored(scores, Measured(found, z, half, np.zeros(0), suspect.y, suspect.classes))


def _stand_out(statistics: dict[int, float]) -> dict[int, float]:
    """Return the robust z of each class; none where there are too few, or most of them are equal."""
    center, spread = center_and_spread(np.array(list(statistics.values()))) if statistics else (0.0, 0.0)
    if len(statistics) < _CLASSES_FOR_PAPER or spread == 0:
        return {}
    return {label: (value - center) / spread for label, value in statistics.items()}


def _grouped(suspect: Suspect, trusted_points: Matrix, cloud: Callable[[int], Cloud]) -> Scored[Measured]:
    """Score each row towards the group that trusted rows avoid, by what was found without the row."""
    y, trusted_y = suspect.y, suspect.trusted_y
    fold = np.zeros(len(trusted_y), np.int64)
    for label in np.unique(trusted_y):
        fold[trusted_y == label] = _dealt(int((trusted_y == label).sum()))
    whiteners = [variation(trusted_points[fold != k], trusted_y[fold != k]).whitener() for k in range(_FOLDS)]
    scores, trusted = np.zeros(len(y)), np.zeros(len(trusted_y))
    judged = np.zeros(len(trusted_y), bool)
    found: dict[int, Found] = {}
    for label in range(len(suspect.classes)):
        one = cloud(label)
        if one.usable:
            scores[one.rows], trusted[one.trusted], found[label] = _cross_fitted(one, whiteners)
            judged[one.trusted] = True
    scores, clean = on_one_scale(scores, y, trusted[judged], trusted_y[judged])
    scores[~np.isin(y, list(found))] = 0
    none = np.zeros(len(y), bool)
    return Scored(scores, Measured(found, {}, none, clean, y, suspect.classes))


def _dealt(rows: int) -> Labels:
    """Return int64[rows], the fold of each row."""
    return np.arange(rows) % _FOLDS


def _cross_fitted(one: Cloud, whiteners: list[Matrix]) -> tuple[Scores, Scores, Found]:
    """Return float64[n] and float64[m], rows of a class towards the group under suspicion, and what it is.

    The whiteners float64[k, k] are one a fold, made without the trusted rows in it.
    """
    fold, trusted_fold = np.zeros(len(one.rows), np.int64), _dealt(len(one.trusted))
    fold[one.left] = _dealt(int(one.left.sum()))
    scores, trusted = np.zeros(len(fold)), np.zeros(len(trusted_fold))
    member, hits, gains = np.zeros(len(fold)), np.zeros(len(trusted_fold)), []
    for k, whiten in enumerate(whiteners):
        held, trusted_held = fold == k, trusted_fold == k
        points, trusted_points = one.points @ whiten, one.trusted_points @ whiten
        groups, clean_share = _suspicious(points[~held & one.left], trusted_points[~trusted_held])
        member[held] = groups.members(points[held])
        hits[trusted_held] = groups.members(trusted_points[trusted_held])
        gains.append(groups.gain)
        along, known = groups.along(points[held]), one.left[held]
        clean = 1 - member[held] * (1 - clean_share)
        if clean[known].sum() >= _ROWS_FOR_CENTER:
            center = weighted_median(along[known], clean[known])
        else:  # the class is small, or poison all through
            center = float(np.median(groups.along(trusted_points)))
        scores[held] = along - center
        trusted[trusted_held] = groups.along(trusted_points[trusted_held]) - center
    if len(trusted) >= _ROWS_FOR_CENTER:
        trusted -= np.median(trusted)
    return scores, trusted, Found(float(member[one.left].mean()), float(hits.mean()), float(np.mean(gains)))


def _suspicious(points: Matrix, trusted: Matrix) -> tuple[Groups, float]:
    """Return the two groups that look most like poison, in the second group, and its clean share.

    The clean share is that of `processing.defenses.common.apart.clean_share`. To choose by, it is taken a
    standard error higher: of a class that has two kinds of pictures one kind always seems a little rarer
    among the trusted rows.
    """
    ways = [way for groups in candidates(points) for way in (groups, groups.swapped())]
    hits = np.array([groups.members(trusted).sum() for groups in ways])
    share = np.array([groups.member.mean() for groups in ways])
    gain = np.array([groups.gain for groups in ways])
    at_most = (hits + np.sqrt(hits)) / max(len(trusted), 1)
    poison = np.maximum(0, 1 - at_most / np.maximum(share, _TINY))
    worth = np.maximum(gain, 0) * poison * (len(trusted) > 0)
    # Where trusted rows tell nothing, the smaller group of the pair that explains most.
    best = int(worth.argmax()) if worth.any() else int(np.where(share <= 0.5, gain, -np.inf).argmax())
    rate = hits[best] / len(trusted) if len(trusted) else share[best]
    return ways[best], float(min(1.0, rate / max(share[best], _TINY)))
