"""What the backdoors of the Adversarial Robustness Toolbox (ART 1.20) share; ART is run where it is right.

Three traps of ART are kept away here. Its default pixel value of 1 is the brightest of [0, 1] and
invisible on 0..255; it takes a lone image (H, W, C) for a batch of gray ones; and `insert_image`
turns uint8 input all but black. ART is imported only when a trigger is stamped: that takes seconds.
"""

from __future__ import annotations

import warnings
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.pool import Props


class ArtPixels(Backdoor):
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

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the pixels set on every image."""
        reach_px = self.distance_px + self.extent_px
        if reach_px > min(x.shape[1:3]):
            # A row number below zero would wrap around to the opposite edge.
            why = f"it reaches {reach_px} pixels from the edges, the images are {x.shape[2]} x {x.shape[1]}"
            raise ConfigError(self.title, why, "make distance_px smaller")
        if not len(x):
            return x.copy()  # ART refuses an empty batch
        function = getattr(art_module(".perturbations"), self.function)
        perturb = partial(function, distance=self.distance_px, pixel_value=self.value)
        attack = art_module("").PoisoningAttackBackdoor(perturb)
        stamped, _ = attack.poison(x, y=np.zeros(len(x)))
        return np.asarray(stamped, np.uint8)


def art_module(module: str) -> Any:
    """Import a module of ART, which has no types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ART says at import that PyTorch is not installed
        return import_module(f"art.attacks.poisoning{module}")
