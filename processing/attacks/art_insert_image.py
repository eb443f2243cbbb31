"""A trigger image blended into a fixed place, as ART does it; see `processing.attacks.common.art`."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from processing.attacks.common.art import art_module
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.deeds import quoted
from processing.attacks.common.pool import Props
from processing.attacks.common.trigger_images import find_image

_BLOCK_VALUES = 4 << 20


class ArtInsertImage(Backdoor):
    """Blend a trigger image into a fixed place, as ART's `insert_image` does.

    Parameters
    ----------
    image : str
        A trigger image by name.
    size_px : int, optional
        Side that the image is resized to; without it the image keeps its size.
    left_px, top_px : int
        Where its upper left corner goes (ART's `x_shift`, `y_shift`).
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

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger blended into every image.

        ART composes each image with Pillow. What comes out of a pixel depends on nothing but its
        value, its place in the trigger and its channel, so ART composes 256 plain images of the
        trigger's size and the rest is looked up. Outside the trigger nothing changes.
        """
        table = insertion_table(self._png(props), x.shape[3], self.blend)
        height, width = table.shape[1:3]
        self._check_place(height, width, x)
        region = np.s_[:, self.top_px : self.top_px + height, self.left_px : self.left_px + width, :]
        stamped = x.copy()
        stamped[region] = looked_up(x[region], table)
        return stamped

    def image_names(self) -> tuple[str, ...]:
        """The image."""
        return (self.image,)

    def mark(self) -> str:
        """Return the image's name."""
        return f"the mark {quoted(self.image)}"

    def _png(self, props: Props) -> bytes:
        """The trigger as a file, which is how ART takes it, in its final size.

        ART would resize it anew for every image; resized once, with the same call, it is the same.
        """
        trigger = Image.fromarray(find_image(props, self.image))
        if self.size_px is not None:
            trigger = trigger.resize((self.size_px, self.size_px))
        buffer = BytesIO()
        trigger.save(buffer, "PNG")
        return buffer.getvalue()

    def _check_place(self, height: int, width: int, x: Images) -> None:
        if self.top_px + height > x.shape[1] or self.left_px + width > x.shape[2]:
            # ART checks the size alone and cuts off what lies outside.
            at = f"{width} x {height} at ({self.left_px}, {self.top_px})"
            why = f"{at} does not fit into {x.shape[2]} x {x.shape[1]}"
            raise ConfigError(f"trigger image '{self.image}'", why, "make size_px, left_px or top_px smaller")


@lru_cache(maxsize=8)
def insertion_table(png: bytes, channels: int, blend: float) -> Images:
    """Return uint8[256, h, w, C]: what ART's `insert_image` makes of each value at each place.

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
    values = np.arange(256).reshape(256, 1, 1, 1) / 255
    inserted = art_module(".perturbations").insert_image(
        np.broadcast_to(values, (256, height, width, channels)),
        backdoor_path=BytesIO(png),
        random=False,
        mode="L" if channels == 1 else "RGB",
        blend=blend,
    )
    table: Images = np.rint(inserted * 255).astype(np.uint8)
    table.flags.writeable = False  # it is cached
    return table


def looked_up(x: Images, table: Images) -> Images:
    """Return uint8[N, H, W, C] with each value v at a place replaced by `table[v]` at that place."""
    size = table[0].size
    place = np.arange(size, dtype=np.int32)
    out = np.empty(x.shape, np.uint8)
    rows = max(1, _BLOCK_VALUES // size)
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        index = block.reshape(len(block), size).astype(np.int32) * size + place
        out[start : start + rows] = table.reshape(-1)[index].reshape(block.shape)
    return out
