"""Label flips: the images stay as they are, some labels move (Biggio, Nelson & Laskov 2011)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Labels
from processing.attacks.common.base import Attack, Batch, Pool, Rows, budget, choose
from processing.attacks.common.references import (
    ATLAS_POISON,
    NIST_AVAILABILITY,
    NIST_TARGETED,
    OWASP_POISON,
    references,
)


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


class TargetedLabelFlip(Attack):
    """Move the labels of randomly chosen rows of one class to another.

    Success is measured on test images of the source class: the model should call them the target.

    Parameters
    ----------
    source, target : str
        From which class to which.
    rate : float
    of : str
        What `rate` is a fraction of: the source `class`, or the whole `train`ing set.
    """

    title = "targeted label flip"
    outcome = "targeted"
    references = references(ATLAS_POISON, NIST_TARGETED, OWASP_POISON)

    kind: Literal["label_flip_targeted"] = "label_flip_targeted"
    source: str
    target: str
    rate: float = Field(gt=0, le=1)
    of: Literal["train", "class"] = "class"

    @model_validator(mode="after")
    def _two_classes(self) -> TargetedLabelFlip:
        if self.source == self.target:
            raise ValueError(f"source and target are both '{self.source}'")
        return self

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the chosen rows of the source class, labeled as the target class."""
        source, target = pool.label(self.source), pool.label(self.target)
        candidates = pool.free[pool.y[pool.free] == source]
        whole = len(pool.y) if self.of == "train" else int(np.count_nonzero(pool.y == source))
        rows = choose(rng, candidates, budget(self.rate, whole, len(candidates), f"of class '{self.source}'"))
        return relabeled(pool, rows, np.full(len(rows), target, np.int64))


def relabeled(pool: Pool, rows: Rows, y: Labels) -> Batch:
    """Return the batch that gives rows of the pool new labels and leaves their images alone."""
    return Batch(replaced=rows, x=pool.x[rows], y=y, origin=rows, y_true=pool.y[rows])
