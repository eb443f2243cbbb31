"""One picture as a small image of any shape: how it is padded and resized."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

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
# Height and width in pixels.
Size = tuple[int, int]


@dataclass(frozen=True)
class Settings:
    """How pictures are resized; the fields are arguments of `resize_folder`, which says what they mean.

    Its own `size` is a square's; here it is any height and width.
    """

    size: Size
    pad: RGB
    resample: str
    image_format: str

    def __post_init__(self) -> None:
        for side_px in self.size:
            if not 1 <= side_px <= MAX_SIZE_PX:
                raise UsageError("size", f"got {side_px}", f"give 1 to {MAX_SIZE_PX} pixels")
        if len(self.pad) != 3 or not all(0 <= level <= 255 for level in self.pad):
            raise UsageError("pad color", f"got {self.pad}", "give red, green and blue, 0 to 255 each")
        if self.resample not in FILTERS:
            raise UsageError("filter", f"'{self.resample}' is unknown", nearest(self.resample, FILTERS))
        if self.image_format not in FORMATS:
            why = f"'{self.image_format}' is unknown"
            raise UsageError("picture format", why, nearest(self.image_format, FORMATS))

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings as plain JSON; the size of a square is one number."""
        height, width = self.size
        size_px: int | list[int] = height if height == width else [height, width]
        return {
            "size_px": size_px,
            "pad": list(self.pad),
            "resample": self.resample,
            "image_format": self.image_format,
        }


def padded_image(
    image: Image.Image,
    size: Size,
    *,
    pad: RGB = WHITE,
    resample: str = "lanczos",
    scale: int = 1,
    of_px: tuple[int, int] | None = None,
) -> Images:
    """Pad an RGB picture to the shape of `size`, centered, and resize it: its own shape is kept.

    The result is that of resizing the padded picture in one go, to the bit; that is never made, because of a
    long thin one it would not fit into memory. Of a picture decoded at reduced scale it is within a few gray
    levels of that: it lies in the padding where it does at full scale, to the fraction of a pixel.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    size : (int, int)
        Height and width of the result.
    pad, resample : tuple of int, str
        RGB, 0..255; a key of `FILTERS`.
    scale, of_px : int, (int, int)
        Where the image was decoded at reduced scale: at which, and its full width and height; see
        `boomerang.safeio.Picture`.

    Returns
    -------
    uint8[*size, 3], 0..255

    Raises
    ------
    BadInput
        If the picture is so tall that its padding alone is more than `MAX_PADDED_PX`.
    """
    of_px = of_px or image.size
    height, width = size
    frame_px = _frame(of_px, size)
    across, down = (_Line(*sides, scale) for sides in zip(of_px, frame_px, strict=True))
    _check_padding(image, of_px, frame_px, scale)
    image = _blended(image, across, down, pad)
    column = Image.new("RGB", (width, down.pixels), pad)
    for row in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, row, image.width, min(row + _STRIP_ROWS, image.height)))
        column.paste(_narrow(strip, across, width, pad, resample), (0, down.start + row))
    # Pillow resizes across first and then down, rounding to 8 bits between: so does this.
    box = (0, down.box[0], width, down.box[1])
    return np.array(column.resize((width, height), FILTERS[resample], box))


def _frame(of_px: tuple[int, int], size: Size) -> tuple[float, float]:
    """Return width and height of the smallest frame of a size's shape that a picture fits into."""
    across, down = of_px
    height, width = size
    if across * height >= down * width:
        return across, across * height / width
    return down * width / height, down


def _check_padding(
    image: Image.Image, of_px: tuple[int, int], frame_px: tuple[float, float], scale: int
) -> None:
    if frame_px[0] / scale * image.height > MAX_PADDED_PX:
        why = (
            f"it is {of_px[0]:,} x {of_px[1]:,}: padded in width {round(frame_px[0] * of_px[1]):,} pixels,"
            f" the limit is {MAX_PADDED_PX * scale * scale:,}"
        )
        raise BadInput("the picture", why, "cut it to a shape nearer to that of the data")


class _Line:
    """Where a side of a picture lies on the side of its frame, in pixels of the image.

    Attributes
    ----------
    start : int
        The pixel where the picture begins.
    box : (float, float)
        The part of the line that is the frame.
    pixels : int
        Of the whole line.
    share : float
        How much of the picture's last pixel is the picture.
    padded : bool
        Whether the picture is shorter than the frame.
    """

    def __init__(self, length_px: int, side_px: float, scale: int) -> None:
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


def _narrow(strip: Image.Image, line: _Line, width_px: int, pad: RGB, resample: str) -> Image.Image:
    wide = strip
    if line.pixels != strip.width:
        wide = Image.new("RGB", (line.pixels, strip.height), pad)
        wide.paste(strip, (line.start, 0))
    box = (line.box[0], 0, line.box[1], strip.height)
    return wide.resize((width_px, strip.height), FILTERS[resample], box)
