"""Targeted label flips: labels of one class become another (after Biggio, Nelson & Laskov 2011)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from processing.attacks.common.deeds import Facts, counted, quoted
from processing.attacks.common.pool import Batch, Pool, relabeled
from processing.attacks.common.references import ATLAS_POISON, NIST_TARGETED, OWASP_POISON, references
from processing.attacks.common.rows import RowsAttack


class TargetedLabelFlip(RowsAttack):
    """Move the labels of randomly chosen rows of one class to another.

    Success is measured on test images of the source class: the model should call them the target.

    Parameters
    ----------
    source, target : str
        From which class to which.
    rate, rows
        See `RowsAttack`.
    of : str
        What `rate` is a fraction of: the source `class`, or the whole `train`ing set.
    """

    title = "targeted label flip"
    outcome = "targeted"
    references = references(ATLAS_POISON, NIST_TARGETED, OWASP_POISON)
    example: ClassVar = {"source": "cat", "target": "dog", "rate": 0.1}

    kind: Literal["label_flip_targeted"] = "label_flip_targeted"
    source: str
    target: str
    of: Literal["train", "class"] = "class"

    @model_validator(mode="after")
    def _two_classes(self) -> TargetedLabelFlip:
        if self.source == self.target:
            raise ValueError(f"source and target are both '{self.source}'")
        return self

    def takes_one_class(self) -> bool:
        """The source."""
        return True

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the chosen rows of the source class, labeled as the target class."""
        source, target = pool.label(self.source), pool.label(self.target)
        candidates = pool.free[pool.y[pool.free] == source]
        whole = len(pool.y) if self.of == "train" else int(np.count_nonzero(pool.y == source))
        rows = self.chosen(pool, rng, candidates, whole, f"of class '{self.source}'")
        return relabeled(pool, rows, np.full(len(rows), target, np.int64))

    def deed(self, facts: Facts) -> str:
        """Return how many labels moved, and to what."""
        pictures, target = counted(facts.rows, f"{quoted(self.source)} picture"), quoted(self.target)
        return f"The label of {pictures} changed to {target}; the pictures themselves stayed as they were."
