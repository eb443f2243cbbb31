"""Points with the right label, each moved to where it harms a support vector machine most."""

from __future__ import annotations

from typing import Literal

import numpy as np

from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.two_classes import Deal, OnMachine


class SvmSemiOptimal(OnMachine):
    """Rows of two classes keep their label, and their pixels are optimized to harm the machine.

    The semi-optimal attack of Razmi & Xiong (2021), elsewhere `opt_notlabel`: as `svm_optimal`, but a point
    starts on a row that the attacker holds out, with the label that it has. Where nothing is held out, it
    starts on a training row. A point beyond the margin does nothing to the machine, so it first goes the
    shortest way there.
    """

    title = "optimized points that keep their label"
    keeps_labels = True

    kind: Literal["svm_semi_optimal"] = "svm_semi_optimal"

    def deal(self, count: int) -> Deal:
        """Return that no label is flipped and all points are moved."""
        return Deal(flipped=np.zeros(count, bool), moved=np.ones(count, bool))

    def deed(self, facts: Facts) -> str:
        """Return how many points, and what was done to them."""
        pictures = counted(facts.rows, "picture")
        made = f"{pictures}{self.between_words()} optimized against a support vector machine"
        return f"{made}, each with the label that it had."
