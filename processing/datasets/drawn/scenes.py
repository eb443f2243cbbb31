"""What lies behind a body, and what a camera does to the picture.

Skies, fields, roads, water, woods, studios and plain clutter; then haze, blur, noise, stray bright specks
and the white margins of pictures that were padded to a square.
"""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.camera import Camera, rays
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import Floats, Indices, Mask

SCENES = ("sky", "grass", "road", "water", "woods", "studio", "clutter")

_ZENITH = [
    (0.25, 0.45, 0.8),
    (0.35, 0.55, 0.85),
    (0.6, 0.68, 0.78),
    (0.75, 0.77, 0.8),
    (0.12, 0.25, 0.5),
    (0.5, 0.55, 0.62),
]
_HORIZON = [(0.75, 0.85, 0.95), (0.85, 0.88, 0.9), (0.9, 0.8, 0.7), (0.65, 0.75, 0.85)]
_GRASS = [(0.3, 0.48, 0.18), (0.4, 0.5, 0.22), (0.6, 0.55, 0.32), (0.25, 0.36, 0.16)]
_ROAD = [(0.4, 0.4, 0.41), (0.55, 0.54, 0.52), (0.28, 0.28, 0.3), (0.65, 0.6, 0.52)]
_WATER = [(0.15, 0.3, 0.45), (0.25, 0.42, 0.5), (0.35, 0.45, 0.5), (0.1, 0.2, 0.32), (0.4, 0.5, 0.6)]
_WOODS = [(0.14, 0.22, 0.1), (0.22, 0.3, 0.14), (0.3, 0.26, 0.16), (0.35, 0.4, 0.3)]
_GROUND = {"grass": _GRASS, "woods": _GRASS, "road": _ROAD, "water": _WATER}
_STUDIO = [
    (1.0, 1.0, 1.0),
    (1.0, 1.0, 1.0),
    (0.85, 0.85, 0.86),
    (0.6, 0.62, 0.65),
    (0.2, 0.2, 0.22),
    (0.6, 0.7, 0.8),
]


def background(d: Draws, camera: Camera, scene: Indices, height: int, width: int) -> Floats:
    """Return the picture behind the body.

    Parameters
    ----------
    scene : intp[N]
        Number in `SCENES`.

    Returns
    -------
    float32[N, height, width, 3]
        RGB, 0..1.
    """
    picture = np.empty((len(d), height, width, 3), np.float32)
    for number, name in enumerate(SCENES):
        rows = np.flatnonzero(scene == number)
        if len(rows):
            # Its own branch of the numbers: a picture must not depend on which scenes others have.
            picture[rows] = _scene(name, d.branch(number, rows), camera.take(rows), height, width)
    return picture


def _scene(name: str, d: Draws, camera: Camera, height: int, width: int) -> Floats:
    if name == "studio":
        return _studio(d, height, width)
    if name == "clutter":
        return _clutter(d, height, width)
    rise = rays(camera, height, width)[..., 2:]
    above = _sky(d, rise, height, width)
    if name == "sky":
        return above
    ground = _textured(d, d.choose(_GROUND[name]), height, width, 0.18, 7)
    low, high = (0.1, 0.7) if name == "woods" else (-0.3, 0.12)
    ragged = np.float32(0.7) + np.float32(0.6) * d.smooth(height, width, 6)
    top = (d.uniform(low, high)[:, None, None] * ragged)[..., None]
    wall = _textured(d, d.choose(_WOODS), height, width, 0.3, 9)
    return np.where(rise < 0, ground, np.where(rise < top, wall, above))


def _column(color: Floats) -> Floats:
    return color[:, None, None, :]


def _textured(d: Draws, color: Floats, height: int, width: int, depth: float, cells: int) -> Floats:
    """Return a color with soft brighter and darker patches, and grain."""
    hills = d.smooth(height, width, cells) - np.float32(0.5)
    grain = d.grid(height, width) - np.float32(0.5)
    level = np.float32(1) + np.float32(depth) * (hills * np.float32(1.4) + grain * np.float32(0.6))
    return np.clip(_column(color) * level[..., None], 0, 1)


def _sky(d: Draws, rise: Floats, height: int, width: int) -> Floats:
    top, low = _column(d.choose(_ZENITH)), _column(d.choose(_HORIZON))
    share = np.clip(np.abs(rise) * np.float32(1.6), 0, 1)
    clouds = np.clip(
        d.smooth(height, width, 3) * np.float32(0.7) + d.smooth(height, width, 7) * np.float32(0.5) - 0.45,
        0,
        1,
    )
    amount = (d.uniform(0, 2.2) * d.flag(0.6))[:, None, None, None]
    white = d.uniform(0.8, 1.0)[:, None, None, None]
    cover = np.clip(clouds[..., None] * amount, 0, 1)
    return np.asarray((low + (top - low) * share) * (1 - cover) + white * cover, np.float32)


def _studio(d: Draws, height: int, width: int) -> Floats:
    wall = _column(d.choose(_STUDIO))
    fall = (d.uniform(-0.35, 0.0) * d.flag(0.5))[:, None, None]
    y = np.linspace(0, 1, height, dtype=np.float32)[None, :, None]
    return np.broadcast_to(wall * (1 + fall * y)[..., None], (len(d), height, width, 3))


def _clutter(d: Draws, height: int, width: int) -> Floats:
    """Return a room or a street out of focus: soft patches and a few plain rectangles."""
    picture = _textured(d, _muted(d), height, width, 0.4, 4)
    for _ in range(4):
        inside = _rectangle(d, height, width, 0.2, 0.7)
        picture = np.where(inside[..., None], (picture + _column(_muted(d))) / 2, picture)
    return picture


def _muted(d: Draws) -> Floats:
    """Return a color of walls, wood and cloth: mostly grey, float32[N, 3]."""
    grey = d.uniform(0.25, 0.85)[:, None]
    return grey + (d.grid(3) - np.float32(0.5)) * np.float32(0.3)


def _rectangle(d: Draws, height: int, width: int, least: float, most: float) -> Mask:
    """Return the inside of an upright rectangle, bool[N, H, W]; sizes are shares of the sides."""
    spans = []
    for length in (height, width):
        size = d.uniform(least, most) * length
        start = d.uniform(0, 1) * (length - size)
        at = np.arange(length, dtype=np.float32)[None]
        spans.append((at >= np.floor(start)[:, None]) & (at < np.floor(start + size)[:, None]))
    return np.asarray(spans[0][:, :, None] & spans[1][:, None, :])


def photograph(d: Draws, picture: Floats) -> Floats:
    """Return the picture as a camera and the web would leave it, float32[N, H, W, 3], 0..1."""
    height, width = picture.shape[1:3]
    picture = _occlude(d, picture, height, width)
    picture = _tone(d, picture)
    picture = _soften(d, picture)
    grain = d.grid(height, width, 3) + d.grid(height, width, 3) - np.float32(1)
    picture = picture + grain * d.uniform(0, 0.03)[:, None, None, None]
    return np.clip(_specks(d, picture, height, width), 0, 1)


def _occlude(d: Draws, picture: Floats, height: int, width: int) -> Floats:
    """Put something plain in front of a share of the bodies."""
    inside = _rectangle(d, height, width, 0.1, 0.3) & d.flag(0.025)[:, None, None]
    return np.where(inside[..., None], _column(d.grid(3)), picture)


def _tone(d: Draws, picture: Floats) -> Floats:
    gain, contrast = d.uniform(0.9, 1.1), d.uniform(0.85, 1.15)
    tint = np.float32(1) + (d.grid(3) - np.float32(0.5)) * np.float32(0.1)
    mean = np.float32(0.5)
    toned = (picture - mean) * contrast[:, None, None, None] + mean * _column(gain[:, None] * tint)
    return np.asarray(toned, np.float32)


def _soften(d: Draws, picture: Floats) -> Floats:
    """Blur a share of the pictures with a 3 x 3 box."""
    amount = (d.uniform(0, 0.6) * d.flag(0.25))[:, None, None, None]
    wide = np.pad(picture, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    h, w = picture.shape[1:3]
    mean = sum(wide[:, i : i + h, j : j + w] for i in range(3) for j in range(3)) / np.float32(9)
    return np.asarray(picture + (mean - picture) * amount)


def _specks(d: Draws, picture: Floats, height: int, width: int) -> Floats:
    """Scatter small plain rectangles over a third of the pictures, anywhere, whatever the class."""
    spotted = d.flag(0.25)[:, None, None]
    for _ in range(2):
        inside = (
            _rectangle(d, height, width, 1.0 / height, 5.0 / height) & spotted & d.flag(0.7)[:, None, None]
        )
        vivid = np.round(d.grid(3))
        picture = np.where(inside[..., None], _column(vivid), picture)
    return picture


def margins(d: Draws, share: float) -> tuple[Floats, Floats]:
    """Draw the white margins of pictures that were padded to a square, for a share of all.

    Returns
    -------
    two float32[N]
        Share of the height above and below, and of the width left and right; one of them is 0.
    """
    padded, upright = d.flag(share), d.flag(0.2)
    size = d.uniform(0.03, 0.22)
    none = np.float32(0)
    return np.where(padded & ~upright, size, none), np.where(padded & upright, size, none)


def pad(picture: Floats, rows: Floats, columns: Floats) -> Floats:
    """Turn the margins that `margins` gave white."""
    white = []
    for share, length in zip((rows, columns), picture.shape[1:3], strict=True):
        at = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / length
        white.append(np.abs(at - np.float32(0.5)) > (np.float32(0.5) - share)[:, None])
    inside = white[0][:, :, None] | white[1][:, None, :]
    return np.where(inside[..., None], np.float32(1), picture)
