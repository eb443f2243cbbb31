"""BppAttack: fewer bits for a pixel are the trigger (Wang, Zhai & Ma 2022)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images, Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.dither import dithered, quantized
from processing.attacks.common.pool import Pool, Props
from processing.attacks.common.whole import WholeImage


class BppAttack(WholeImage, Covered):
    """Round every value of the image to one of a few levels.

    Wang et al. 2022. The paper's attacker trains the model; this one poisons data alone. The paper's
    negative rows are the cover here: images with the change that another image underwent, which keep their
    label, so that the model learns the levels and not the noise.

    Parameters
    ----------
    bits : int
        Of each value; there are 2^bits levels. The published code has eight.
    dithering : bool
        Whether what rounding takes from a pixel goes to its neighbors (Floyd and Steinberg 1976), which
        hides the levels from people. The published code leaves it off.
    """

    title = "BppAttack quantization"
    example: ClassVar = {"target": "bird", "rate": 0.03, "cover_rate": 0.03}

    kind: Literal["bppattack"] = "bppattack"
    bits: int = Field(default=3, ge=1, le=7)
    dithering: bool = False

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images in few levels; see `WholeImage.altered`."""
        levels = 2**self.bits
        return dithered(x, levels) if self.dithering else quantized(x, levels)

    def cover(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return images each with the change of another, drawn by lot; see `Covered.planted`."""
        others = pool.x[seeds % len(pool.x)]
        change = self.stamp(others, pool.images).astype(np.int16) - others
        covers: Images = np.clip(pool.x[rows] + change, 0, 255).astype(np.uint8)
        return covers

    def mark(self) -> str:
        """Return how many levels."""
        return f"a rounding to {2**self.bits} levels"
