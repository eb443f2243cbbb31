"""One picture as a small square: how it is padded and resized."""

from __future__ import annotations

import math
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


def square_image(
    image: Image.Image,
    size_px: int,
    *,
    pad: RGB = WHITE,
    resample: str = "lanczos",
    scale: int = 1,
    of_px: tuple[int, int] | None = None,
) -> Images:
    """Pad an RGB picture to a square, centered, and resize the square.

    The result is that of resizing the padded square in one go, to the bit; the square itself is
    never made, because that of a long thin picture would not fit into memory. Of a picture that was decoded
    at reduced scale it is within a few gray levels of that: it lies in the padding where it does at full
    scale, to the fraction of a pixel.

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
    scale, of_px : int, (int, int)
        Where the image was decoded at reduced scale: at which, and its full width and height; see
        `boomerang.safeio.Picture`.

    Returns
    -------
    uint8[size_px, size_px, 3], 0..255

    Raises
    ------
    BadInput
        If the picture is so tall that its padding alone is more than `MAX_PADDED_PX`.
    """
    of_px = of_px or image.size
    across, down = (_Line(length, max(of_px), scale) for length in of_px)
    _check_padding(image, of_px, scale)
    image = _blended(image, across, down, pad)
    column = Image.new("RGB", (size_px, down.pixels), pad)
    for row in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, row, image.width, min(row + _STRIP_ROWS, image.height)))
        column.paste(_narrow(strip, across, size_px, pad, resample), (0, down.start + row))
    # Pillow resizes across first and then down, rounding to 8 bits between: so does this.
    box = (0, down.box[0], size_px, down.box[1])
    return np.array(column.resize((size_px, size_px), FILTERS[resample], box))


def _check_padding(image: Image.Image, of_px: tuple[int, int], scale: int) -> None:
    if max(image.size) * image.height > MAX_PADDED_PX:
        why = (
            f"it is {of_px[0]:,} x {of_px[1]:,}: padded to a square {max(of_px) * of_px[1]:,} pixels,"
            f" the limit is {MAX_PADDED_PX * scale * scale:,}"
        )
        raise BadInput("the picture", why, "cut it to a shape nearer to a square")


class _Line:
    """Where a side of a picture lies on the side of its square, in pixels of the image.

    Attributes
    ----------
    start : int
        The pixel where the picture begins.
    box : (float, float)
        The part of the line that is the square.
    pixels : int
        Of the whole line.
    share : float
        How much of the picture's last pixel is the picture.
    padded : bool
        Whether the picture is shorter than the square.
    """

    def __init__(self, length_px: int, side_px: int, scale: int) -> None:
        before = ((side_px - length_px) // 2) / scale
        self.start = math.ceil(before)
        self.box = (self.start - before, self.start - before + side_px / scale)
        self.pixels = max(math.ceil(self.box[1]), self.start + math.ceil(length_px / scale))
        self.share = (length_px / scale) % 1 or 1.0
        self.padded = length_px < side_px


def _blended(image: Image.Image, across: _Line, down: _Line, pad: RGB) -> Image.Image:
    """Return the picture with padding in what its last column and row have of it."""
    width, height = image.size
    edges = ((across, (width - 1, 0, width, height)), (down, (0, height - 1, width, height)))
    for line, edge in edges:
        if line.padded and line.share < 1:
            image = image.copy()
            last = image.crop(edge)
            image.paste(Image.blend(Image.new("RGB", last.size, pad), last, line.share), edge)
    return image


def _narrow(strip: Image.Image, line: _Line, size_px: int, pad: RGB, resample: str) -> Image.Image:
    wide = strip
    if line.pixels != strip.width:
        wide = Image.new("RGB", (line.pixels, strip.height), pad)
        wide.paste(strip, (line.start, 0))
    box = (line.box[0], 0, line.box[1], strip.height)
    return wide.resize((size_px, strip.height), FILTERS[resample], box)
