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
