"""One picture as a small square: how it is padded and resized."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from boomerang.errors import BadInput, UsageError, nearest
from boomerang.manifest import Images
from boomerang.safeio import WHITE

FORMATS = ("png", "jpeg")
FILTERS = {filter_.name.lower(): filter_ for filter_ in Image.Resampling}
MAX_SIZE_PX = 2048

_STRIP_ROWS = 512
# What is resized of a tall picture, its padding with it: 12,600 x 12,600, which takes more than a second.
MAX_PADDED_PX = 160_000_000

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Settings:
    """How pictures are resized; the fields are arguments of `resize_folder`, which says what they mean."""

    size_px: int
    pad: RGB
    resample: str
    image_format: str

    def __post_init__(self) -> None:
        if not 1 <= self.size_px <= MAX_SIZE_PX:
            raise UsageError("size", f"got {self.size_px}", f"give 1 to {MAX_SIZE_PX} pixels")
        if len(self.pad) != 3 or not all(0 <= level <= 255 for level in self.pad):
            raise UsageError("pad color", f"got {self.pad}", "give red, green and blue, 0 to 255 each")
        if self.resample not in FILTERS:
            raise UsageError("filter", f"'{self.resample}' is unknown", nearest(self.resample, FILTERS))
        if self.image_format not in FORMATS:
            why = f"'{self.image_format}' is unknown"
            raise UsageError("picture format", why, nearest(self.image_format, FORMATS))


def square_image(image: Image.Image, size_px: int, *, pad: RGB = WHITE, resample: str = "lanczos") -> Images:
    """Pad an RGB picture to a square, centered, and resize the square.

    The result is that of resizing the padded square in one go, to the bit; the square itself is
    never made, because that of a long thin picture would not fit into memory.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    size_px : int
        Side of the result.
    pad : tuple of int
        RGB, 0..255.
    resample : str
        A key of `FILTERS`.

    Returns
    -------
    uint8[size_px, size_px, 3], 0..255

    Raises
    ------
    BadInput
        If the picture is so tall that its padding alone is more than `MAX_PADDED_PX`.
    """
    side = max(image.size)
    if side * image.height > MAX_PADDED_PX:
        why = (
            f"it is {image.width:,} x {image.height:,}: padded to a square {side * image.height:,} pixels,"
            f" the limit is {MAX_PADDED_PX:,}"
        )
        raise BadInput("the picture", why, "cut it to a shape nearer to a square")
    top = (side - image.height) // 2
    column = Image.new("RGB", (size_px, side), pad)
    for row in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, row, image.width, min(row + _STRIP_ROWS, image.height)))
        column.paste(_narrow(strip, side, size_px, pad, resample), (0, top + row))
    # Pillow resizes across first and then down, rounding to 8 bits between: so does this.
    return np.array(column.resize((size_px, size_px), FILTERS[resample]))


def _narrow(strip: Image.Image, side: int, size_px: int, pad: RGB, resample: str) -> Image.Image:
    wide = Image.new("RGB", (side, strip.height), pad)
    wide.paste(strip, ((side - strip.width) // 2, 0))
    return wide.resize((size_px, strip.height), FILTERS[resample])
