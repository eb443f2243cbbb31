"""Autoencoder: a row that a network which has learned clean rows cannot give back is suspect."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from processing.defenses.common.autoencoders import Learn, Rule, cross_errors, decided, in_units, scored_by
from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.calibration import Calibration


class Autoencoder(Detector):
    """The reconstruction error of a small convolutional autoencoder, the RAE of Razmi & Xiong (2021).

    The score is the mean squared error over the pixels (the authors' program takes the mean absolute one),
    divided by its root mean square over the suspect rows. It looks at pixels alone: at no label, and never at
    the victim.

    As published (`rule = "paper"`, `learn = "suspect"`) the network learns from the rows that it screens,
    and two normal distributions are fitted to the scores, of which the one with the larger mean goes.

    What departs from it:

    * `learn = "trusted"` (default): rows that the poison is among teach it too.
    * `rule = "trusted"` (default): the threshold is the order statistic of the trusted rows' scores that a
      further clean row exceeds with probability `max_fpr`.
    * Each row, suspect or trusted, is scored by a network that has not learned it: three of them learn two
      thirds each. The authors' learns from other rows with as much poison, of which a defender has none.
    * `rule = "guarded"` takes nothing where one log-normal distribution explains the scores as well as two
      normal ones. As published, every clean set is cut in two.
    * The network has a code of 32 numbers. The authors' has three filters at full or half size: it can give
      back what it has never seen.

    A row of a class of which nothing was learned is not judged, and a warning says so.

    Attributes
    ----------
    rule : str
        `trusted` (ours), `paper`, or `guarded`: `paper` with the guard for clean sets.
    learn : str
        `trusted` (ours) or `suspect`: the rows that the networks learn from.
    steps : int
        Of each of the three trainings, with 32 rows a step.
    max_fpr : float
        For `rule = "trusted"`: the share of clean rows that may be flagged, as far as they are like the
        trusted ones. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "autoencoder (RAE)"
    source: ClassVar[str] = (
        "Razmi and Xiong 2021, Classification auto-encoder based detector against diverse data poisoning "
        "attacks"
    )
    assumes: ClassVar[str] = "poison does not look like any clean row"
    costs: ClassVar[str] = "three short trainings, whatever the number of rows; 1 / max_fpr trusted rows"
    fails: ClassVar[str] = (
        "wrong labels on clean images, which it does not look at; triggers that are faint or small beside "
        "what it cannot give back anyway"
    )
    example: ClassVar[dict[str, Any]] = {"steps": 5}

    kind: Literal["autoencoder"] = "autoencoder"
    rule: Rule = "trusted"
    learn: Learn = "trusted"
    steps: int = Field(default=200, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Let networks learn, and give each row back by one that has not learned it."""
        ours, trusted = cross_errors(suspect, self.learn, "code", self.steps)
        return scored_by(suspect, self.learn, *in_units(suspect, ours.squared, trusted.squared))

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that are given back worse than trusted ones, or the worse ones of two kinds."""
        return decided(scored, self.rule, self.max_fpr)
