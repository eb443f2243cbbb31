"""Label flips between two classes: the baseline of the attacks on a support vector machine."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.two_classes import OnTwoClasses


class SvmFlipping(OnTwoClasses):
    """Give rows of two classes each other's label (Biggio, Nelson & Laskov: Label Noise, ACML 2011).

    The weakest of the four attacks that Razmi & Xiong (2021) stage on a support vector machine; nothing is
    optimized. As many rows of either class are drawn by lot.

    Parameters
    ----------
    mode : str
        `add` appends copies with the wrong label and leaves the rows in; `replace` flips the rows themselves,
        which takes their right labels away too, and harms far more.
    """

    title = "label flip between two classes"
    example: ClassVar = {"rate": 0.1, "between": ["cat", "dog"]}

    kind: Literal["svm_flipping"] = "svm_flipping"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the drawn rows with the other label."""
        rows = self.drawn(pool, rng)
        return self.batch(pool, rows, sum(self.both(pool)) - pool.y[rows], np.array(pool.x[rows]))

    def deed(self, facts: Facts) -> str:
        """Return how many labels are wrong, and whether the right ones are still there."""
        pictures = counted(facts.rows, "picture")
        if self.mode == "add":
            return f"Copies of {pictures}{self.between_words()} added with the label of the other class."
        return f"The label of {pictures}{self.between_words()} changed to the other class."
