"""Random label flips: the images stay as they are, some labels move (Biggio, Nelson & Laskov 2011)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from processing.attacks.common.base import Attack
from processing.attacks.common.deeds import Facts, counted
from processing.attacks.common.pool import Batch, Pool, budget, choose, relabeled
from processing.attacks.common.references import ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON, references


class RandomLabelFlip(Attack):
    """Move the labels of randomly chosen rows to a uniformly drawn other class.

    Parameters
    ----------
    rate : float
        Fraction of the whole training set.
    """

    title = "random label flip"
    outcome = "untargeted"
    references = references(ATLAS_POISON, NIST_AVAILABILITY, OWASP_POISON)
    example: ClassVar = {"rate": 0.1}

    kind: Literal["label_flip_random"] = "label_flip_random"
    rate: float = Field(gt=0, le=1)
    of: Literal["train"] = "train"

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the chosen rows with their new labels."""
        classes = len(pool.classes)
        if classes < 2:
            raise ConfigError(self.title, "the data has a single class", "use data of two or more")
        rows = choose(rng, pool.free, budget(self.rate, len(pool.y), len(pool.free), "rows"))
        y = (pool.y[rows] + rng.integers(1, classes, size=len(rows))) % classes
        return relabeled(pool, rows, y)

    def deed(self, facts: Facts) -> str:
        """Return how many labels moved."""
        pictures, where = counted(facts.rows, "picture"), "another class, drawn by lot"
        return f"The label of {pictures} changed to {where}; the pictures themselves stayed as they were."
