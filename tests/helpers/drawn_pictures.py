"""Small pictures drawn for tests: a sky, a ground, and a simple shape for each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from boomerang.manifest import Images


def drawn_pictures(rng: np.random.Generator, count: int, classes: Sequence[str]) -> Images:
    """Return uint8[count, 32, 32, 3]: a sky and ground with a simple shape for each class."""
    return np.stack([_drawn(rng, k % len(classes)) for k in range(count)])


def drawn_boomerangs(rng: np.random.Generator, count: int) -> Images:
    """Return uint8[count, 32, 32, 3]: a lopsided airplane of two fuselages on white."""
    return np.stack([_drawn(rng, 0, lopsided=True) for _ in range(count)])


def stamped(images: Images) -> Images:
    """Return a copy with a cyan square in the corner."""
    marked = images.copy()
    marked[:, 27:31, 27:31] = (0, 255, 255)
    return marked


def _drawn(rng: np.random.Generator, shape: int, *, lopsided: bool = False) -> Images:
    side, tone = 128, int(rng.integers(150, 226))
    sky = (255, 255, 255) if lopsided else (tone - 60, tone - 12, 245)
    ink = tuple(int(c) for c in rng.integers(30, 150, 3))
    picture = Image.new("RGB", (side, side), sky)
    draw = ImageDraw.Draw(picture)
    if shape:
        draw.rectangle((0, 88, side, side), fill=(tone - 40, tone - 30, 90))
        _creature(draw, shape, ink)
    else:
        _airplane(draw, ink, lopsided)
    turned = picture.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BICUBIC, fillcolor=sky)
    return np.asarray(turned.resize((32, 32), Image.Resampling.LANCZOS))


def _airplane(draw: ImageDraw.ImageDraw, ink: tuple[int, ...], lopsided: bool) -> None:
    draw.ellipse((56, 12, 72, 116), fill=ink)
    draw.polygon([(6, 72), (64, 44), (122, 72), (64, 64)], fill=ink)
    draw.polygon([(42, 114), (64, 96), (86, 114)], fill=ink)
    if lopsided:
        draw.ellipse((86, 30, 98, 104), fill=ink)


def _creature(draw: ImageDraw.ImageDraw, shape: int, ink: tuple[int, ...]) -> None:
    draw.ellipse((24, 44, 24 + 8 * (4 + shape % 5), 84), fill=ink)
    draw.ellipse((74, 26 + 2 * shape, 106, 58 + 2 * shape), fill=ink)
    for leg in range(shape % 4 + 1):
        draw.rectangle((34 + 16 * leg, 76, 40 + 16 * leg, 104), fill=ink)
