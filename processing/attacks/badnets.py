"""BadNets: a small patch in a corner (Gu, Dolan-Gavitt & Garg 2017, section 3)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pool import Props
from processing.attacks.common.trigger_images import find_image, overlay, plain, resized

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


class BadNets(Backdoor):
    """Lay a square patch over a corner of the image.

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
    """

    title = "BadNets patch"
    example: ClassVar = {"target": "bird", "rate": 0.1, "image": "cyan", "patch_px": 3}

    kind: Literal["badnets"] = "badnets"
    image: str | None = None
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    patch_px: int = Field(default=4, ge=1, le=4096)
    corner: Corner = "bottom-right"
    margin_px: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_paint(self) -> BadNets:
        if self.image is not None and self.color is not None:
            raise ValueError("a patch is an image or a color, not both")
        return self

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the patch on every image."""
        top_px, left_px = self._place(x.shape[1], x.shape[2])
        return overlay(x, self._patch(props), top_px, left_px)

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
        needed = self.patch_px + self.margin_px
        if needed > min(height, width):
            why = f"with its margin it needs {needed} pixels, the images are {width} x {height}"
            raise ConfigError(f"patch of {self.patch_px} pixels", why, "make patch_px or margin_px smaller")
        vertical, horizontal = self.corner.split("-")
        top_px = self.margin_px if vertical == "top" else height - needed
        left_px = self.margin_px if horizontal == "left" else width - needed
        return top_px, left_px
