"""What the backdoors of the Adversarial Robustness Toolbox (ART 1.20) share; ART is run where it is right.

Three traps of ART are kept away here. Its default pixel value of 1 is the brightest of [0, 1] and
invisible on 0..255; it takes a lone image (H, W, C) for a batch of gray ones; and `insert_image`
turns uint8 input all but black. ART is imported only when a trigger is stamped: that takes seconds.
"""

from __future__ import annotations

import warnings
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from processing.attacks.common.pixels import PixelBackdoor, Table
from processing.attacks.common.pool import Props


class ArtPixels(PixelBackdoor):
    """Set pixels near the bottom right corner, through ART's `PoisoningAttackBackdoor`.

    Parameters
    ----------
    distance_px : int
        Distance of the pixel, or of the pattern's nearest one, from both edges; 1 is the very edge.
    value : int
        What the pixels become in every channel.
    """

    distance_px: int = Field(default=2, ge=1)
    value: int = Field(default=255, ge=0, le=255)

    function: ClassVar[str]
    extent_px: ClassVar[int]

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the pixels do not lie inside images of (H, W, C)."""
        reach_px = self.distance_px + self.extent_px
        if reach_px > min(image[:2]):
            # A row number below zero would wrap around to the opposite edge.
            why = f"it reaches {reach_px} pixels from the edges, the images are {image[1]} x {image[0]}"
            raise ConfigError(self.title, why, "make distance_px smaller")

    def table(self, image: tuple[int, ...], props: Props) -> tuple[Table, int, int]:
        """Return what ART makes of each value in the corner, and where that is; see `PixelBackdoor.table`."""
        self.check_image(image)
        reach_px = self.distance_px + self.extent_px
        table = corner_table(self.function, reach_px, image[2], self.distance_px, self.value)
        return table, image[0] - reach_px, image[1] - reach_px


@lru_cache(maxsize=8)
def corner_table(function: str, reach_px: int, channels: int, distance_px: int, value: int) -> Table:
    """Return what a function of ART makes of each value in the bottom right corner.

    Parameters
    ----------
    function : str
        Its name in ART's `perturbations`.
    reach_px : int
        Side of the corner: how far from the edges the function reaches.
    channels : int
    distance_px, value : int
        See `ArtPixels`.
    """
    perturb = partial(
        getattr(art_module(".perturbations"), function), distance=distance_px, pixel_value=value
    )
    values = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    plain = np.broadcast_to(values, (256, reach_px, reach_px, channels))
    stamped, _ = art_module("").PoisoningAttackBackdoor(perturb).poison(plain, y=np.zeros(256))
    return Table(np.asarray(stamped, np.uint8))


def art_module(module: str) -> Any:
    """Import a module of ART, which has no types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ART says at import that PyTorch is not installed
        return import_module(f"art.attacks.poisoning{module}")
