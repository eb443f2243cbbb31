"""Points with the wrong label, each moved to where it harms a support vector machine most."""

from __future__ import annotations

from typing import Literal

import numpy as np

from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.two_classes import Deal, OnMachine


class SvmOptimal(OnMachine):
    """Rows of two classes get each other's label, and their pixels are optimized to harm the machine.

    Biggio, Nelson & Laskov: Poisoning Attacks against Support Vector Machines, ICML 2012, algorithm 1; the
    optimal attack of Razmi & Xiong (2021). A point starts on a training row with its label flipped and goes
    up the loss of the machine, one point after the other, each against the machine with those before it. Two
    things depart: the steps' length follows their success, and pixels end on the 256 values that an image can
    hold.
    """

    title = "optimized points against a support vector machine"

    kind: Literal["svm_optimal"] = "svm_optimal"

    def deal(self, count: int) -> Deal:
        """Return that all labels are flipped and all points are moved."""
        every = np.ones(count, bool)
        return Deal(flipped=every, moved=every)

    def deed(self, facts: Facts) -> str:
        """Return how many points, and what was done to them."""
        pictures = counted(facts.rows, "picture")
        made = f"{pictures}{self.between_words()} optimized against a support vector machine"
        return f"{made}, with the label of the other class."
