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

    Parameters
    ----------
    rate, rows
        See `RowsAttack`; the rate is of the rows of the two classes, and takes as many of either.
    mode : str
        `add` appends the points; `replace` puts each in the place of the row that it started on.
    between : two names
        The two classes; they may be left out where the data has no others (`data.classes`).
    kernel, c, gamma
        Of the machine that the attacker has in mind, as in the architecture `svm`; best those of the victim.
        A `gamma` of 0 is taken from the clean rows and then stays.
    held_out : float
        Share of the clean rows that its machine does not learn from and whose loss it raises. With 0 it
        watches the rows that it learns from (as Steinhardt, Koh & Liang, NeurIPS 2017, do): nothing else is
        given to an attacker here, who never sees the trusted rows, and of few rows those held out would be
        missed.
    steps : int
        Machines that are solved for a point, at most.
    step : float
        Length of a point's first step, with pixels of 0..1.
    most_rows : int
        Clean rows that it works against, at most; of more they are drawn by lot.
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
