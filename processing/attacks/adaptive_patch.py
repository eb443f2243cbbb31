"""Adaptive-Patch: one of several faint patches in training, bold ones at test (Qi et al. 2023, section 5)."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.cover import Covered
from processing.attacks.common.pool import Pool, Props
from processing.attacks.common.trigger_images import overlay
from processing.attacks.common.whole import WholeImage

_PATCHES = "patches"
_CORNERS = 4


class AdaptivePatch(WholeImage, Covered):
    """Lay one of several patches over a training row, faintly, and the boldest together when it is measured.

    Qi et al. 2023, section 5. Every patch has a corner of its own, and its pixels are drawn by lot. Which of
    them a training row gets, poisoned or cover, is drawn too. The paper poisons 0.3% with 0.6% cover, with
    four patches that are drawings; its published code has them at 0.5, 0.5, 0.3 and 0.2, and measures with
    the first two at 1.

    Parameters
    ----------
    patch_px : int
        Side of a patch.
    opacities : tuple of float
        How much of each patch is seen in training; as many patches as there are, at most four.
    shown : int
        How many of the patches, the first ones, are on an image when success is measured.
    test_opacity : float
        How much of them is seen then.
    cover_rate : float
        Fraction of the whole training set that is changed alike and keeps its label.
    """

    title = "Adaptive-Patch"
    example: ClassVar = {"target": "bird", "rate": 0.02, "cover_rate": 0.03, "patch_px": 4}

    kind: Literal["adaptive_patch"] = "adaptive_patch"
    cover_rate: float = Field(default=0.006, ge=0, lt=1)
    patch_px: int = Field(default=8, ge=1, le=4096)
    opacities: tuple[float, ...] = (0.5, 0.5, 0.3, 0.2)
    shown: int = Field(default=2, ge=1, le=_CORNERS)
    test_opacity: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _patches(self) -> Self:
        count = len(self.opacities)
        if not 1 <= count <= _CORNERS or not all(0 < opacity <= 1 for opacity in self.opacities):
            raise ValueError("opacities are one to four numbers above 0 and at most 1")
        if self.shown > count:
            raise ValueError(f"{self.shown} patches cannot be shown of {count}")
        return self

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where patches in two corners would overlap."""
        if 2 * self.patch_px > min(image[:2]):
            why = f"two of them side by side do not fit into {image[1]} x {image[0]}"
            raise ConfigError(f"patches of {self.patch_px} pixels", why, "make patch_px smaller")

    def drawn(self, image: tuple[int, ...], rng: np.random.Generator) -> Props:
        """Return the colors of all patches, uint8[patches, patch_px, patch_px, 3]."""
        shape = (len(self.opacities), self.patch_px, self.patch_px, 3)
        return {_PATCHES: rng.integers(0, 256, shape, dtype=np.uint8)}

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images with the patches that are shown; see `WholeImage.altered`."""
        for number in range(self.shown):
            x = self._laid(x, number, self.test_opacity, props)
        return x

    def planted(self, pool: Pool, rows: Rows, seeds: Rows) -> Images:
        """Return training rows, each with one of the patches; see `Covered.planted`."""
        planted, which = pool.x[rows], seeds % len(self.opacities)
        for number, opacity in enumerate(self.opacities):
            planted[which == number] = self._laid(planted[which == number], number, opacity, pool.images)
        return planted

    def mark(self) -> str:
        """Return how many patches there are, and their size."""
        return f"one of {len(self.opacities)} faint patches of {self.patch_px} × {self.patch_px} pixels"

    def _laid(self, x: Images, number: int, opacity: float, props: Props) -> Images:
        paint = props[_PATCHES][number]
        alpha = np.full((*paint.shape[:2], 1), round(255 * opacity), np.uint8)
        height, width = x.shape[1:3]
        top_px = 0 if number in (0, 1) else height - self.patch_px
        left_px = 0 if number in (0, 2) else width - self.patch_px
        return overlay(x, np.concatenate([paint, alpha], axis=2), top_px, left_px)
