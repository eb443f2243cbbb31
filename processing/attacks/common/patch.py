"""A square patch on an image: a plain color or a trigger image, in a corner or anywhere."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pixels import Table
from processing.attacks.common.places import PlacedBackdoor
from processing.attacks.common.pool import Props
from processing.attacks.common.trigger_images import find_image, overlay, plain, resized

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


class PatchBackdoor(PlacedBackdoor):
    """A backdoor whose trigger is a square patch.

    Parameters
    ----------
    image : str, optional
        A trigger image by name; its transparency is kept.
    color : str, optional
        Instead of an image a plain color `#rrggbb`; white where neither is given.
    patch_px : int
        Side of the patch; an image is resized to it.
    corner : str
        Which corner.
    margin_px : int
        Distance from both edges of that corner.
    place : str
        `fixed` is that corner, `random` on every image a place of its own, each equally likely.
    """

    image: str | None = None
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    patch_px: int = Field(default=4, ge=1, le=4096)
    corner: Corner = "bottom-right"
    margin_px: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_paint(self) -> Self:
        if self.image is not None and self.color is not None:
            raise ValueError("a patch is an image or a color, not both")
        return self

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the patch does not lie inside images of (H, W, C), or covers them."""
        self._place(*image[:2])
        if self.image is None and self.patch_px >= max(image[:2]):
            why = f"it covers the images, which are {image[0]} x {image[1]}: nothing of them is left to see"
            raise ConfigError(f"patch of {self.patch_px} pixels", why, "make patch_px smaller")

    def table(self, image: tuple[int, ...], props: Props) -> tuple[Table, int, int]:
        """Return what the patch makes of each value, and where it lies; see `PixelBackdoor.table`."""
        place = self._place(*image[:2])
        patch = self._patch(props)
        return patch_table(patch.tobytes(), patch.shape[0], image[2]), *place

    def image_names(self) -> tuple[str, ...]:
        """The image, if it is one."""
        return () if self.image is None else (self.image,)

    def mark(self) -> str:
        """Return the image's name, or the size of the patch."""
        if self.image is not None:
            return f"the mark {quoted(self.image)}"
        return f"a square patch of {self.patch_px} × {self.patch_px} pixels"

    def _patch(self, props: Props) -> Images:
        if self.image is None:
            return plain(self.color or "#ffffff", self.patch_px)
        return resized(find_image(props, self.image), self.patch_px)

    def _place(self, height: int, width: int) -> tuple[int, int]:
        needed = self.patch_px + (self.margin_px if self.place == "fixed" else 0)
        if needed > min(height, width):
            why = f"with its margin it needs {needed} pixels, the images are {width} x {height}"
            raise ConfigError(f"patch of {self.patch_px} pixels", why, "make patch_px or margin_px smaller")
        vertical, horizontal = self.corner.split("-")
        top_px = self.margin_px if vertical == "top" else height - needed
        left_px = self.margin_px if horizontal == "left" else width - needed
        return top_px, left_px


@lru_cache(maxsize=8)
def patch_table(rgba: bytes, side_px: int, channels: int) -> Table:
    """Return what a square patch laid over an image makes of each value.

    Parameters
    ----------
    rgba : bytes
        Of uint8[side_px, side_px, 4].
    side_px : int
    channels : int
        C of the images, 1 or 3.
    """
    values = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    plain_images = np.broadcast_to(values, (256, side_px, side_px, channels))
    patch = np.frombuffer(rgba, np.uint8).reshape(side_px, side_px, 4)
    return Table(overlay(plain_images, patch, 0, 0))
