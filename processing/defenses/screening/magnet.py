"""MagNet's pair: a row that two unlike autoencoders both cannot give back is suspect."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from processing.defenses.common.autoencoders import Learn, Rule, cross_errors, decided, in_units, scored_by
from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.calibration import Calibration


class Magnet(Detector):
    """Two autoencoders, the L1 error of one and the L2 error of the other: what is high in both.

    Meng & Chen (2017) made them for images at inference: one network without and one with a pooling, of
    three filters a layer, learning from images with noise of 0.1. An image goes that either doubts. Razmi &
    Xiong (2021) set them against poison in training rows: there a row goes that both doubt, and so here. The
    score is the smaller of the two errors, each divided by its root mean square over the suspect rows: it is
    above a threshold where both are.

    As Razmi & Xiong have it (`rule = "paper"`, `learn = "suspect"`) the networks learn from the rows that
    they screen and a mixture of two normal distributions decides; ours is of the one score, not of each error
    by itself. What else departs is as in `autoencoder`. The networks have ELUs between their layers, which
    learn in fewer steps than sigmoids.

    Attributes
    ----------
    rule : str
        `trusted` (Meng & Chen's threshold is from clean rows too), `paper`, or `guarded`: `paper` with the
        guard for clean sets.
    learn : str
        `trusted` or `suspect`: the rows that the networks learn from.
    steps : int
        Of each of the six trainings, with 32 rows a step.
    max_fpr : float
        For `rule = "trusted"`: the share of clean rows that may be flagged, as far as they are like the
        trusted ones. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "MagNet's pair of autoencoders"
    source: ClassVar[str] = (
        "Meng and Chen 2017, MagNet: a two-pronged defense against adversarial examples; for poison Razmi "
        "and Xiong 2021"
    )
    assumes: ClassVar[str] = "poison has fine structure that clean rows do not have"
    costs: ClassVar[str] = "six short trainings, whatever the number of rows; 1 / max_fpr trusted rows"
    fails: ClassVar[str] = (
        "wrong labels, which it does not look at, and whatever is as smooth as clean images: networks "
        "without a narrow code give back what they have never seen"
    )
    example: ClassVar[dict[str, Any]] = {"steps": 5}

    kind: Literal["magnet"] = "magnet"
    rule: Rule = "trusted"
    learn: Learn = "trusted"
    steps: int = Field(default=200, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Let both networks learn, and give each row back by those that have not learned it."""
        flat, pooled = (cross_errors(suspect, self.learn, shape, self.steps) for shape in ("flat", "pooled"))
        first = in_units(suspect, *(each.absolute for each in flat))
        second = in_units(suspect, *(each.squared for each in pooled))
        return scored_by(suspect, self.learn, *map(np.minimum, first, second))

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that both give back worse than trusted ones, or the worse ones of two kinds."""
        return decided(scored, self.rule, self.max_fpr)
