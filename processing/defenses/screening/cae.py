"""CAE: a row that a network cannot give back, or whose label it would not have given, is suspect."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from processing.defenses.common.autoencoders import Learn, Rule, cross_errors, decided, in_units, scored_by
from processing.defenses.common.base import Detector, Finding, Scored, Suspect
from processing.defenses.common.calibration import Calibration


class Cae(Detector):
    """The classification autoencoder of Razmi & Xiong (2021): reconstruction and classification in one score.

    One network gives images back and tells their class from the code, by the sum of both losses. With r the
    mean squared error of a row and c the cross-entropy of its label, each divided by its root mean square
    over the suspect rows, the score is .66 r + .34 c. With `plus` (CAE+) r is that of a second network which
    tells no classes, the one of `autoencoder`.

    As published, CAE learns from clean rows (`learn = "trusted"`) and CAE+ from those that it screens
    (`learn = "suspect"`). Two normal distributions are fitted to the scores, of which the one with the larger
    mean goes (`rule = "paper"`).

    What departs from it is as in `autoencoder`: the threshold that trusted rows set (`rule = "trusted"`, the
    default), networks that never score what they have learned, `guarded`, and the code. There is no dropout
    before the classes.

    Attributes
    ----------
    plus : bool
        Whether it is CAE+.
    rule : str
        `trusted` (ours), `paper`, or `guarded`: `paper` with the guard for clean sets.
    learn : str
        `trusted` or `suspect`: the rows that the networks learn from.
    weight : float
        Of r, 0..1; c has the rest.
    steps : int
        Of each of the three trainings, of CAE+ six, with 32 rows a step.
    max_fpr : float
        For `rule = "trusted"`: the share of clean rows that may be flagged, as far as they are like the
        trusted ones. Fewer than 1 / max_fpr - 1 trusted rows cannot tell, and nothing is flagged.
    """

    title: ClassVar[str] = "classification autoencoder (CAE)"
    source: ClassVar[str] = (
        "Razmi and Xiong 2021, Classification auto-encoder based detector against diverse data poisoning "
        "attacks"
    )
    assumes: ClassVar[str] = (
        "few rows tell what a class looks like, and poison looks otherwise or has another class' label"
    )
    costs: ClassVar[str] = (
        "three short trainings, CAE+ six, whatever the number of rows; 1 / max_fpr trusted rows, of every "
        "class some"
    )
    fails: ClassVar[str] = (
        "data whose classes a small network cannot learn from the trusted rows: it then doubts most labels; "
        "faint triggers on rows that keep their label"
    )
    example: ClassVar[dict[str, Any]] = {"steps": 5}

    kind: Literal["cae"] = "cae"
    plus: bool = False
    rule: Rule = "trusted"
    learn: Learn = "trusted"
    weight: float = Field(default=0.66, ge=0, le=1)
    steps: int = Field(default=200, ge=1)
    max_fpr: float = Field(default=0.005, gt=0, lt=1)

    def score(self, suspect: Suspect) -> Scored[Calibration]:
        """Let networks learn, and give each row back and classify it by one that has not learned it."""
        both = cross_errors(suspect, self.learn, "code", self.steps, classifier=True)
        plain = cross_errors(suspect, self.learn, "code", self.steps) if self.plus else both
        apart = in_units(suspect, *(each.squared for each in plain))
        doubt = in_units(suspect, *(each.entropy for each in both))
        scores = (self.weight * r + (1 - self.weight) * c for r, c in zip(apart, doubt, strict=True))
        return scored_by(suspect, self.learn, *scores)

    def decide(self, scored: Scored[Calibration]) -> Finding:
        """Flag the rows that score higher than trusted ones do, or the higher ones of two kinds."""
        return decided(scored, self.rule, self.max_fpr)
