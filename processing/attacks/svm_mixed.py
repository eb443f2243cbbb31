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
