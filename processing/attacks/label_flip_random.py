"""Random label flips: the images stay as they are, some labels move (Biggio, Nelson & Laskov 2011)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import ConfigError
from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.pool import Batch, Pool, relabeled
from processing.attacks.common.references import ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON, references
from processing.attacks.common.rows import RowsAttack


class RandomLabelFlip(RowsAttack):
    """Move the labels of randomly chosen rows to a uniformly drawn other class.

    Parameters
    ----------
    rate, rows
        See `RowsAttack`; the rate is of the whole training set.
    """

    title = "random label flip"
    outcome = "untargeted"
    references = references(ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON)
    example: ClassVar = {"rate": 0.1}

    kind: Literal["label_flip_random"] = "label_flip_random"
    of: Literal["train"] = "train"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the chosen rows with their new labels."""
        classes = len(pool.classes)
        if classes < 2:
            raise ConfigError(self.title, "the data has a single class", "use data of two or more")
        rows = self.chosen(pool, rng, pool.free, len(pool.y), "rows")
        y = (pool.y[rows] + rng.integers(1, classes, size=len(rows))) % classes
        return relabeled(pool, rows, y)

    def deed(self, facts: Facts) -> str:
        """Return how many labels moved."""
        pictures, where = counted(facts.rows, "picture"), "another class, drawn by lot"
        return f"The label of {pictures} changed to {where}; the pictures themselves stayed as they were."
