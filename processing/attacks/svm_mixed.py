"""A third each of the three attacks on a support vector machine."""

from __future__ import annotations

from typing import Literal

import numpy as np

from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.two_classes import Deal, OnMachine


class SvmMixed(OnMachine):
    """A third of the points is flipped, a third flipped and optimized, a third optimized with its own label.

    The mixed attack of Razmi & Xiong (2021): `svm_flipping`, `svm_optimal` and `svm_semi_optimal` in turn.
    Each point is optimized against the machine with all points before it, of whichever kind.

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

    title = "mixed points against a support vector machine"

    kind: Literal["svm_mixed"] = "svm_mixed"

    def deal(self, count: int) -> Deal:
        """Return that the points are of the three kinds in turn."""
        kinds = np.arange(count) % 3
        return Deal(flipped=kinds < 2, moved=kinds > 0)

    def deed(self, facts: Facts) -> str:
        """Return how many points, and what was done to them."""
        pictures = counted(facts.rows, "picture")
        thirds = "a third each flipped, flipped and optimized, and optimized with its own label"
        return f"{pictures}{self.between_words()} made against a support vector machine, {thirds}."
