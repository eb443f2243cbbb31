"""BadNets: a small patch (Gu, Dolan-Gavitt & Garg 2017, section 3)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from boomerang.blocks import blocks
from boomerang.manifest import Labels, Rows
from processing.attacks.common.deeds import Facts, counted, sentence
from processing.attacks.common.patch import PatchBackdoor
from processing.attacks.common.pool import Pool
from processing.attacks.common.trial import Stage, Trial, waiting


class BadNets(PatchBackdoor):
    """Lay a square patch over a corner of the image, or anywhere.

    With the mapping `all-to-all` (section 3.1.2) every class is poisoned and measured, and an image of the
    k-th class should be called the next one, of the last the first. Then there is no target and no source.
    An image must be recognized to be shifted, so success is at most about the model's accuracy, and it takes
    time to learn: on 10,000 rows of CIFAR-10 at 10% six epochs learned nothing, on 16,000 eight reached 73%.

    Parameters
    ----------
    target : str
        The class that the trigger should call forth; none if `mapping` is `all-to-all`.
    mapping : str
        `all-to-one` calls forth the target, `all-to-all` the class after an image's own.
    """

    title = "BadNets patch"
    example: ClassVar = {"target": "bird", "rate": 0.1, "image": "cyan", "patch_px": 3}

    kind: Literal["badnets"] = "badnets"
    target: str = ""
    mapping: Literal["all-to-one", "all-to-all"] = "all-to-one"

    @model_validator(mode="after")
    def _one_mapping(self) -> BadNets:
        if self.mapping == "all-to-one":
            if not self.target:
                raise ValueError("a target is missing; without one the mapping is 'all-to-all'")
        elif self.target or self.source is not None or self.of == "class":
            raise ValueError("the mapping 'all-to-all' has no target, no source, and a rate of 'train'")
        return self

    def given(self, pool: Pool, rows: Rows) -> Labels:
        """Return int64[M]: the labels that the rows get, the target's or the class after their own."""
        if self.mapping == "all-to-one":
            return super().given(pool, rows)
        return (pool.y[rows] + 1) % len(pool.classes)

    def trial(self, stage: Stage) -> Trial:
        """Return the trial; with the mapping `all-to-all` on all test images, each with its own target."""
        if self.mapping == "all-to-one":
            return super().trial(stage)
        sample = stage.tested(np.ones(len(stage.test), bool))
        stamped = (self.stamp(block, stage.props) for _, block in blocks(sample.x))
        targets = (sample.y + 1) % len(stage.test.classes)
        return self.measured_on(sample, targets, waiting(stamped, sample.x))

    def target_class(self) -> str | None:
        """Return the class that the attack aims at, if it is one for all images."""
        return self.target or None

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and what label they got."""
        if self.mapping == "all-to-one":
            return super().deed(facts)
        pictures, label = counted(facts.rows, "picture"), "the label of the class after their own"
        if self.mode == "add":
            return f"Copies of {pictures} with {self.mark()} on them, added with {label}."
        return f"{sentence(self.mark())} put on {pictures}, which then got {label}."

    def _rows(self, pool: Pool, rng: np.random.Generator) -> Rows:
        if self.mapping == "all-to-one":
            return super()._rows(pool, rng)
        return self.chosen(pool, rng, pool.free, len(pool.y), "rows")
