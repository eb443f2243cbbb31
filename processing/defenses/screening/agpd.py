"""AGPD: poisoned rows tell the victim their class by other channels than clean rows do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.manifest import Bools, Labels
from processing.defenses.common.base import Detector, Finding, Scored, Scores, Suspect
from processing.defenses.common.directions import Directions, Spread, cosines, directions, mean_of
from processing.defenses.common.flagging import beyond
from processing.defenses.common.growth import Growth, grow, relative_distance
from processing.defenses.common.scale import center_and_tail, on_one_scale
from training.model import calls_of

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """What was measured of all rows.

    Attributes
    ----------
    layers : tuple of str
    spread : Spread
    layer : int
        Number of the layer that is reported, and decided on by `paper` and by `chosen`.
    growths : mapping of int to Growth
        For `paper`: of each class that was found poisoned.
    trusted : float64[m]
        For `trusted`: scores of trusted rows, each by a reference that it is not part of.
    known, right : int64[K]
        Trusted rows of each class, and those that the victim calls by their label.
    y : int64[N]
    classes : tuple of str
    """

    layers: tuple[str, ...]
    spread: Spread
    layer: int
    growths: dict[int, Growth]
    trusted: Scores
    known: Counts
    right: Counts
    y: Labels
    classes: tuple[str, ...]


class Agpd(Detector):
    """The direction of the gradient of a row's logit, against that of clean rows of its class.

    For each convolutional layer a row has one vector: the gradient of the logit of its given label by the
    layer's output, averaged over positions. Rows with a trigger reach their label by other channels than
    clean ones, so their vectors point elsewhere. The reference of a class is the mean vector of a few
    trusted rows that the victim calls by their label. (The published code takes those out of the test set;
    here they are from the trusted set.)

    As published (`rule = "paper"`): the gap of a class is the root mean square difference of the cosines of
    its rows to the reference and to the row that is farthest from it. In the layer where a class has the
    largest robust z of its gap over the classes, those from e^2 up are poisoned; where there are none, those
    with a gap above 0.3 in one of the last layers. The poison of such a class is grown from its farthest row,
    see `processing.defenses.common.growth`. A row's score is how much nearer it is to what was grown than to
    clean rows, 0..1, and 0 in any other class. The z cannot tell of two classes, or where all are poisoned,
    no limit is set by what clean rows do, and of drawn vectors with 2% of poison the growth kept a few rows
    or most clean ones.

    The default (`rule = "trusted"`) asks of no class whether it is poisoned. A row's score is one less its
    cosine to the reference, on the scale of the trusted rows of its class: 0 at their median and 1 at their
    95th percentile. Rows that the victim does not call by their label are put on the scale of such trusted
    rows: there are more of them among rows that it has not learned. The threshold is the order statistic of
    trusted rows that a further clean row exceeds with probability `max_fpr`. A trusted row that is part of a
    reference is scored by the reference without it.

    Attributes
    ----------
    rule : str
        `trusted` (ours) or `paper`.
    layers : str
        For `trusted`: `all` takes of each row the layer in which it lies farthest out, and needs no choice;
        `chosen` takes the layer with the largest z for all rows, as `paper` does.
    per_class : int
        Trusted rows of a reference, at most; they are drawn. The paper has 10.
    max_fpr : float
        For `trusted`: the share of clean rows that may be flagged, as far as they are like the trusted ones.
        A class' scale is that of the same rows: with 100 trusted rows a class, 0.02 gave 0.018 to 0.032 on
        drawn vectors. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    tau : float
        For `paper`: what a step of the growth takes, as a share of the range that is left.
    """

    title: ClassVar[str] = "activation-gradient directions (AGPD)"
    source: ClassVar[str] = (
        "Yuan et al. 2024, Activation gradient based poisoned sample detection against backdoor attacks, "
        "section 4 and algorithm 1"
    )
    assumes: ClassVar[str] = (
        "the victim is convolutional and has learned the trigger, by other channels than the class itself"
    )
    costs: ClassVar[str] = (
        "two passes of the victim, one of them backwards too; four bytes for each row and channel; trusted "
        "rows of every class that the victim calls right, and 1 / max_fpr of any"
    )
    fails: ClassVar[str] = (
        "poison that the victim sees as rows of the class (clean-label), networks so small that all classes "
        "share their channels, wrong labels"
    )

    kind: Literal["agpd"] = "agpd"
    rule: Literal["trusted", "paper"] = "trusted"
    layers: Literal["all", "chosen"] = "all"
    per_class: int = Field(default=10, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)
    tau: float = Field(default=0.05, ge=0, le=1)

    def score(self, suspect: Suspect) -> Scored[Measured]:
        """Measure how far each row points from where clean rows of its class do.

        Raises
        ------
        ConfigError
            If the victim has no convolutional layer.
        BadInput
            If a gradient is not finite.
        """
        found = directions(suspect, self.per_class)
        spread, growths, clean = found.spread(), {}, np.zeros(0)
        layer = spread.layer
        if self.rule == "paper":
            layer, targets = spread.targets()
            growths = {label: self._grown(found, layer, label, spread) for label in targets}
            scores = _likeness(found, layer, growths)
        else:
            chosen = range(len(found.layers)) if self.layers == "all" else [layer]
            scores, clean = _standing_out(found, chosen)
        known, right = (
            np.bincount(suspect.trusted_y[rows], minlength=len(suspect.classes))
            for rows in (slice(None), found.right)
        )
        about = known, right, suspect.y, suspect.classes
        return Scored(scores, Measured(found.layers, spread, layer, growths, clean, *about))

    def decide(self, scored: Scored[Measured]) -> Finding:
        """Flag what points further away than trusted rows do, or what was grown."""
        scores, state = scored.scores, scored.state
        if self.rule == "trusted":
            finding = beyond(scores, state.trusted, self.max_fpr)
        else:
            flagged = np.zeros(len(scores), bool)
            for growth in state.growths.values():
                flagged[growth.kept()] = True
            notes = {"rule": self.rule, "trusted_rows": int(state.right.sum())}
            finding = Finding(scores, flagged, notes=notes)
        return finding.beside(self._notes(state, finding.flagged), self._blind(state))

    def _grown(self, found: Directions, layer: int, label: int, spread: Spread) -> Growth:
        suspect, first = found.suspect, int(spread.farthest[layer, label])
        rows = np.flatnonzero((suspect.y == label) & suspect.left)
        return grow(found.vectors[layer], rows, found.reference(layer, label), first, self.tau)

    def _blind(self, state: Measured) -> tuple[str, ...]:
        """Return of which classes nothing could have been flagged, and whether anything could."""
        named = list(zip(state.classes, state.known, state.right, strict=True))
        absent = [name for name, known, _ in named if not known]
        wrong = [name for name, known, right in named if known and not right]
        said = []
        if absent:
            said.append(f"{', '.join(absent)}: no trusted row of the class, so it flags nothing of it")
        if wrong:
            why = "the victim calls no trusted row of the class by its label, so it flags nothing of it"
            said.append(f"{', '.join(wrong)}: {why}")
        if self.rule == "paper" and np.isfinite(state.spread.gaps[0]).sum() < 3:
            said.append("of fewer than three classes none can stand out: the gap alone decides")
        return tuple(said)

    def _notes(self, state: Measured, flagged: Bools) -> dict[str, Any]:
        anomalies, gaps = state.spread.anomalies, state.spread.gaps[state.layer]
        rows, gone = (np.bincount(y, minlength=len(gaps)) for y in (state.y, state.y[flagged]))
        classes = {
            name: {
                "rows": int(rows[label]),
                "trusted_rows_called_right": int(state.right[label]),
                "gap": round(float(gaps[label]), 4) if np.isfinite(gaps[label]) else None,
                "anomaly": round(float(anomalies[state.layer, label]), 4),
                "flagged": int(gone[label]),
            }
            for label, name in enumerate(state.classes)
        }
        largest = {name: round(float(z.max()), 4) for name, z in zip(state.layers, anomalies, strict=True)}
        return {
            "layers": self.layers if self.rule == "trusted" else "chosen",
            "layer": state.layers[state.layer],
            "largest_anomaly": largest,
            "poisoned_classes": [state.classes[label] for label in state.growths],
            "classes": classes,
        }


def _likeness(found: Directions, layer: int, growths: dict[int, Growth]) -> Scores:
    """Return float64[N], 0..1, how near the rows of each class lie to what was grown in it; 0 elsewhere."""
    scores, vectors = np.zeros(len(found.suspect.y)), found.vectors[layer]
    for label, growth in growths.items():
        rows = np.flatnonzero(found.suspect.y == label)
        poison, clean = mean_of(vectors, growth.kept()), found.reference(layer, label)
        scores[rows] = 1 - relative_distance(*(1 - cosines(vectors, rows, each) for each in (poison, clean)))
    return scores


def _standing_out(found: Directions, layers: Iterable[int]) -> tuple[Scores, Scores]:
    """Return float64[N] and float64[m], how far suspect and trusted rows lie out, in the worst layer.

    Trusted rows of which no reference without them can tell are left out. Suspect rows of a class without a
    reference are put where the least suspicious row is.
    """
    suspect, nowhere = found.suspect, len(found.suspect.classes)
    called = calls_of(suspect.victim.answer(suspect.x)) == suspect.y
    scales = np.where(called, suspect.y, nowhere)
    trusted_scales = np.where(found.right, suspect.trusted_y, nowhere)
    out, clean = np.full(len(scales), -np.inf), np.full(len(trusted_scales), -np.inf)
    for layer in layers:
        away, trusted_away = found.away(layer), found.trusted_away(layer)
        told, usable = np.isfinite(away), np.isfinite(trusted_away)
        clean_away, clean_scales = trusted_away[usable], trusted_scales[usable]
        scaled = on_one_scale(away[told], scales[told], clean_away, clean_scales, center_and_tail)
        out[told], clean[usable] = np.maximum(out[told], scaled[0]), np.maximum(clean[usable], scaled[1])
    clean = clean[np.isfinite(clean)]
    known = np.concatenate([out[np.isfinite(out)], clean])
    return np.maximum(out, known.min(initial=0.0)), clean
