"""A trigger image blended into an image, as ART does it; see `processing.attacks.common.art`."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from boomerang.blocks import slices
from boomerang.errors import ConfigError
from processing.attacks.common.art import art_module
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pixels import Table
from processing.attacks.common.places import PlacedBackdoor
from processing.attacks.common.pool import Props
from processing.attacks.common.trigger_images import find_image


class ArtInsertImage(PlacedBackdoor):
    """Blend a trigger image into an image, as ART's `insert_image` does.

    A trigger image of 16 bits is scaled to 8; ART cuts its values off at 255, which leaves it all but white.

    Parameters
    ----------
    image : str
        A trigger image by name.
    size_px : int, optional
        Side that the image is resized to; without it the image keeps its size.
    left_px, top_px : int
        Where its upper left corner goes (ART's `x_shift`, `y_shift`), if the place is fixed.
    place : str
        `fixed`, or `random` (ART's `random=True`): on every image a place of its own, each equally likely in
        which the trigger lies inside. ART draws from numpy's global state, this from the seed; see
        `processing.attacks.common.places`.
    blend : float
        0 leaves the image, 1 lays the trigger over it in full.
    """

    title = "ART insert image"
    example: ClassVar = {"target": "bird", "rate": 0.1, "image": "cyan", "left_px": 2}

    kind: Literal["art_insert_image"] = "art_insert_image"
    image: str
    size_px: int | None = Field(default=None, ge=1, le=4096)
    left_px: int = Field(default=0, ge=0)
    top_px: int = Field(default=0, ge=0)
    blend: float = Field(default=0.8, gt=0, le=1)

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the trigger, resized, does not lie inside images of (H, W, C)."""
        if self.size_px is not None:
            self._check_place(self.size_px, self.size_px, image)

    def table(self, image: tuple[int, ...], props: Props) -> tuple[Table, int, int]:
        """Return what ART's `insert_image` makes of each value, and where; see `PixelBackdoor.table`.

        ART composes each image with Pillow. What comes out of a pixel depends on nothing but its
        value, its place in the trigger and its channel, so ART composes 256 plain images of the
        trigger's size and the rest is looked up. Outside the trigger nothing changes.
        """
        trigger = self._trigger(props)
        self._check_place(trigger.height, trigger.width, image)
        png = BytesIO()
        trigger.save(png, "PNG")  # ART takes a file
        return insertion_table(png.getvalue(), image[2], self.blend), self.top_px, self.left_px

    def image_names(self) -> tuple[str, ...]:
        """The image."""
        return (self.image,)

    def mark(self) -> str:
        """Return the image's name."""
        return f"the mark {quoted(self.image)}"

    def _trigger(self, props: Props) -> Image.Image:
        """The trigger in its final size.

        ART would resize it anew for every image; resized once, with the same call, it is the same.
        """
        trigger = Image.fromarray(find_image(props, self.image))
        return trigger if self.size_px is None else trigger.resize((self.size_px, self.size_px))

    def _check_place(self, height: int, width: int, image: tuple[int, ...]) -> None:
        left_px, top_px = (self.left_px, self.top_px) if self.place == "fixed" else (0, 0)
        if top_px + height > image[0] or left_px + width > image[1]:
            # ART checks the size alone and cuts off what lies outside.
            at = f"{width} x {height} at ({left_px}, {top_px})"
            why = f"{at} does not fit into {image[1]} x {image[0]}"
            raise ConfigError(f"trigger image '{self.image}'", why, "make size_px, left_px or top_px smaller")


@lru_cache(maxsize=8)
def insertion_table(png: bytes, channels: int, blend: float) -> Table:
    """Return what ART's `insert_image` makes of each value at each place.

    Parameters
    ----------
    png : bytes
        The trigger as a PNG file.
    channels : int
        C of the images, 1 or 3.
    blend : float
        See `ArtInsertImage`.
    """
    if channels not in (1, 3):
        raise ConfigError(f"images of {channels} channels", "a trigger needs 1 or 3", "convert the data")
    width, height = Image.open(BytesIO(png)).size
    insert_image = art_module(".perturbations").insert_image
    plain = np.broadcast_to(np.arange(256).reshape(256, 1, 1, 1) / 255, (256, height, width, channels))
    table = np.empty(plain.shape, np.uint8)
    for part in slices(256, 16):  # ART gives float64
        inserted = insert_image(
            plain[part],
            backdoor_path=BytesIO(png),
            random=False,
            mode="L" if channels == 1 else "RGB",
            blend=blend,
        )
        table[part] = np.rint(inserted * 255)
    return Table(table)
