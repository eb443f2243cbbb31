"""What stands behind the aircraft of `images/`: skies, land from above, an airfield, studios.

All of it follows from the camera: a pixel that looks above the horizon shows sky, one that looks below
it shows the ground at the place where its ray meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from processing.datasets.drawn.camera import Camera, basis, rays
from processing.datasets.drawn.draws import Draws, mix
from processing.datasets.drawn.mesh import Floats

Color = tuple[float, float, float]
View = tuple[Draws, Camera, int, int, float]


@dataclass(frozen=True)
class Backdrop:
    """A place: how it looks, how it is lit, and whether the aircraft stands on it.

    Attributes
    ----------
    draw : callable
        (draws, camera, height, width, ground) -> float32[1, H, W, 3], 0..1.
    ambient, diffuse, sun_height : float
        Shares of the light, and the sun's height in degrees.
    on_ground, at_rest : bool
        Whether wheels are down, and whether propellers stand still.
    shadow : float
        How dark the shadow on the ground is, 0..1.
    penumbra_px : int
    grain : float
    """

    draw: Callable[[Draws, Camera, int, int, float], Floats]
    ambient: float = 0.5
    diffuse: float = 0.55
    sun_height: float = 45
    on_ground: bool = False
    at_rest: bool = False
    shadow: float = 0
    penumbra_px: int = 1
    grain: float = 0.02


def _rgb(color: Color) -> Floats:
    return np.array(color, np.float32)


def _mix(a: Floats, b: Floats, share: Floats) -> Floats:
    return np.asarray(a + (b - a) * share, np.float32)


def lattice(u: Floats, v: Floats, seed: int) -> Floats:
    """Return smooth noise in [0, 1) over a plane, float32 of the shape of u and v; hills one unit apart."""
    iu, iv = (np.asarray(np.floor(w), np.float32) for w in (u, v))
    fu, fv = u - iu, v - iv
    fu, fv = fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)
    c = [[cell(iu + a, iv + b, seed) for b in (0, 1)] for a in (0, 1)]
    low, high = (c[0][k] + (c[1][k] - c[0][k]) * fu for k in (0, 1))
    return np.asarray(low + (high - low) * fv, np.float32)


def cell(u: Floats, v: Floats, seed: int) -> Floats:
    """Return one random number in [0, 1) for each whole (u, v)."""
    words = [np.asarray(w, np.int64).astype(np.uint64) for w in (u, v)]
    key = mix(words[0] ^ mix(words[1] ^ mix(np.array([seed], np.uint64))))
    return (key >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def fractal(u: Floats, v: Floats, seed: int, octaves: int = 5) -> Floats:
    """Return noise whose hills carry smaller hills, about 0..1."""
    total = sum(lattice(u * 2**k, v * 2**k, seed + k) * np.float32(0.5**k) for k in range(octaves))
    return np.asarray(total / np.float32(2 - 0.5 ** (octaves - 1)), np.float32)


def _screen(camera: Camera, height: int, width: int) -> tuple[Floats, Floats]:
    """Return coordinates level with the horizon, about -1..1 across the picture; float32[1, H, W]."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = np.float32(2 / max(height, width))
    x, y = (x - width / 2) * scale, (y - height / 2) * scale
    c, s = np.cos(camera.roll)[0], np.sin(camera.roll)[0]
    return (x * c - y * s)[None], (x * s + y * c)[None]


def _sky(top: Color, low: Color, clouds: float, cover: Color = (0.97, 0.97, 0.98)) -> Callable[..., Floats]:
    """A sky that pales towards the bottom of the picture, with clouds; for cameras that see no ground."""

    def draw(d: Draws, camera: Camera, height: int, width: int, _: float) -> Floats:
        x, y = _screen(camera, height, width)
        share = np.clip(y * np.float32(0.7) + np.float32(0.5), 0, 1)[..., None]
        sky = _mix(_rgb(top), _rgb(low), share)
        seed = int(d.uniform(0, 1 << 20)[0])
        puff = fractal(x * 1.6 + 7, y * 2.4, seed, 6)
        amount = np.clip((puff - np.float32(0.62 - 0.3 * clouds)) * np.float32(3.2), 0, 1) * np.float32(
            min(1.0, clouds * 1.5)
        )
        lit = np.clip(
            np.float32(0.85) + (puff - fractal(x * 1.6 + 7.12, y * 2.4 - 0.16, seed, 6)) * np.float32(1.6),
            0.6,
            1.0,
        )
        return _mix(sky, _rgb(cover) * lit[..., None], amount[..., None])

    return draw


def _ground_at(
    camera: Camera, height: int, width: int, ground: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return where each ray meets the plane z = ground (x, y), how far away, and its rise."""
    look = rays(camera, height, width)
    eye = (-basis(camera)[2] * camera.distance[:, None])[:, None, None]
    rise = look[..., 2]
    away = np.where(
        rise < -1e-4, (ground - eye[..., 2]) / np.minimum(rise, np.float32(-1e-4)), np.float32(1e6)
    )
    away = np.asarray(np.clip(away, 0, 1e6), np.float32)
    return eye[..., 0] + look[..., 0] * away, eye[..., 1] + look[..., 1] * away, away, rise


def _aloft(
    paint: Callable[[Floats, Floats, int], Floats], depth: float, haze: Color, far: float
) -> Callable[..., Floats]:
    """Land or sea far below; haze thickens with distance and becomes the sky at the horizon."""

    def draw(d: Draws, camera: Camera, height: int, width: int, _: float) -> Floats:
        x, y, away, rise = _ground_at(camera, height, width, -depth)
        seed = int(d.uniform(0, 1 << 20)[0])
        veil = (1 - np.exp(-away / np.float32(far)))[..., None]
        land = _mix(paint(x, y, seed), _rgb(haze), veil)
        top = np.clip(rise * 2.5, 0, 1)[..., None]
        sky = _mix(_rgb(haze), _rgb((0.35, 0.55, 0.85)), np.asarray(top))
        return np.where(rise[..., None] < 0, land, sky)

    return draw


def _fields(x: Floats, y: Floats, seed: int) -> Floats:
    """Farmland: a patchwork of plots with hedges and small differences within each."""
    u, v = x / 26 + 0.25 * fractal(x / 90, y / 90, seed), y / 17 + 0.25 * fractal(x / 80, y / 80, seed + 9)
    row = np.asarray(np.floor(v), np.float32)
    column = np.asarray(np.floor(u + cell(0 * row, row, seed + 1)), np.float32)
    kind = cell(column, row, seed)
    table = np.array(
        [(0.36, 0.44, 0.2), (0.5, 0.52, 0.26), (0.62, 0.55, 0.34), (0.26, 0.36, 0.17), (0.46, 0.38, 0.26)],
        np.float32,
    )
    color = table[np.minimum((kind * 5).astype(np.intp), 4)]
    edge = (np.abs(v - np.round(v)) < 0.035)[..., None]
    grain = (fractal(x / 6, y / 6, seed + 5, 3)[..., None] - np.float32(0.5)) * np.float32(0.18)
    return np.asarray(np.where(edge, color * np.float32(0.65), color) + grain, np.float32)


def _desert(x: Floats, y: Floats, seed: int) -> Floats:
    """Dry land: sand with brush in drifts."""
    dune = fractal(x / 30, y / 18, seed)[..., None]
    brush = np.clip((fractal(x / 3, y / 3, seed + 7, 4)[..., None] - np.float32(0.5)) * 4, 0, 1)
    sand = _mix(_rgb((0.5, 0.33, 0.2)), _rgb((0.72, 0.52, 0.34)), dune)
    return _mix(sand, _rgb((0.38, 0.28, 0.19)), np.asarray(brush * np.float32(0.6), np.float32))


def _sea(x: Floats, y: Floats, seed: int) -> Floats:
    """Open water: deep blue with wave crests."""
    swell = fractal(x / 22, y / 40, seed, 3)[..., None]
    crest = np.clip((fractal(x / 2.2, y / 5, seed + 3, 4)[..., None] - np.float32(0.5)) * 1.5, -0.3, 0.5)
    water = _mix(_rgb((0.04, 0.17, 0.33)), _rgb((0.1, 0.32, 0.48)), swell)
    return np.asarray(water + crest * np.float32(0.12), np.float32)


def _cloudtops(x: Floats, y: Floats, seed: int) -> Floats:
    """A sea of clouds from above."""
    heap = fractal(x / 30, y / 30, seed, 6)
    light = heap - fractal((x + 2) / 30, (y - 2) / 30, seed, 6)
    shade = np.clip(np.float32(0.84) + light * 2 + (heap - np.float32(0.5)) * np.float32(0.35), 0.5, 1)[
        ..., None
    ]
    return shade * _rgb((0.97, 0.98, 1.0))


def _airfield(d: Draws, camera: Camera, height: int, width: int, ground: float) -> Floats:
    """A concrete apron with joints and a yellow line, grass behind it, trees along the horizon, sky."""
    x, y, _, rise = _ground_at(camera, height, width, ground)
    seed = int(d.uniform(0, 1 << 20)[0])
    size = float(camera.distance[0]) / 30  # slabs in proportion to the aircraft
    dirt = (fractal(x / (3 * size), y / (3 * size), seed, 5)[..., None] - np.float32(0.5)) * np.float32(0.14)
    joint = (
        np.minimum(np.abs(np.mod(x / (3.5 * size), 1) - 0.5), np.abs(np.mod(y / (3.5 * size), 1) - 0.5))
        < 0.012
    )[..., None]
    apron = np.where(joint, _rgb((0.42, 0.42, 0.41)), _rgb((0.6, 0.59, 0.57))) + dirt
    line = (np.abs(y + 0.6 * size) < 0.11 * size)[..., None]
    apron = np.where(line, _rgb((0.8, 0.66, 0.16)) + dirt, apron)
    eye = float(camera.distance[0])
    turf = fractal(x / (1.2 * size), y / (1.2 * size), seed + 11, 5)[..., None]
    grass = _mix(_rgb((0.3, 0.38, 0.15)), _rgb((0.46, 0.52, 0.24)), turf)
    ahead = basis(camera)[2]
    level = np.hypot(ahead[0, 0], ahead[0, 1])
    behind = (x * ahead[0, 0] + y * ahead[0, 1]) / level > eye * np.float32(0.75)
    land = np.where(behind[..., None], grass, apron)
    u, _ = _screen(camera, height, width)
    trees = np.float32(0.012) + np.float32(0.022) * fractal(u * 7, 0 * u, seed + 2, 4)
    leaf = (
        _rgb((0.16, 0.23, 0.13))
        * (np.float32(0.7) + np.float32(0.6) * fractal(u * 60, rise * 260, seed + 3, 2))[..., None]
    )
    sky = _mix(_rgb((0.8, 0.88, 0.95)), _rgb((0.3, 0.53, 0.85)), np.clip(rise * 3.5, 0, 1)[..., None])
    cloud = np.clip((fractal(u * 2, rise * 9, seed + 4, 6) - np.float32(0.52)) * 3, 0, 0.9)[..., None]
    sky = _mix(sky, _rgb((0.97, 0.97, 0.98)), np.asarray(cloud, np.float32))
    above = np.where((rise < trees)[..., None], leaf, sky)
    return np.asarray(np.where(rise[..., None] < 0, land, above), np.float32)


def _studio(light: Color, dark: Color) -> Callable[..., Floats]:
    """A seamless backdrop, brightest behind the aircraft."""

    def draw(d: Draws, camera: Camera, height: int, width: int, _: float) -> Floats:
        x, y = _screen(camera, height, width)
        fall = np.clip((x * x + y * y * 1.6) * np.float32(0.8), 0, 1)[..., None]
        return _mix(_rgb(light), _rgb(dark), fall)

    return draw


BACKDROPS = {
    "sky": Backdrop(_sky((0.2, 0.42, 0.78), (0.55, 0.74, 0.93), 0.45)),
    "overcast": Backdrop(
        _sky((0.66, 0.69, 0.74), (0.8, 0.82, 0.85), 0.5, (0.88, 0.89, 0.91)), ambient=0.62, diffuse=0.36
    ),
    "dusk": Backdrop(
        _sky((0.3, 0.34, 0.5), (0.93, 0.66, 0.46), 0.5, (0.95, 0.75, 0.62)),
        ambient=0.42,
        diffuse=0.6,
        sun_height=14,
    ),
    "sea": Backdrop(_aloft(_sea, 130, (0.72, 0.82, 0.9), 900)),
    "fields": Backdrop(_aloft(_fields, 120, (0.76, 0.82, 0.88), 700), sun_height=55),
    "desert": Backdrop(_aloft(_desert, 60, (0.85, 0.8, 0.75), 900), sun_height=35),
    "clouds": Backdrop(_aloft(_cloudtops, 55, (0.85, 0.9, 0.96), 900), sun_height=35),
    "airfield": Backdrop(_airfield, on_ground=True, at_rest=True, shadow=0.55, sun_height=52),
    "studio": Backdrop(
        _studio((1, 1, 1), (1, 1, 1)),
        on_ground=True,
        at_rest=True,
        shadow=0.3,
        penumbra_px=5,
        grain=0,
        ambient=0.6,
        diffuse=0.42,
        sun_height=70,
    ),
    "grey": Backdrop(_studio((0.36, 0.36, 0.37), (0.2, 0.2, 0.21)), at_rest=True, grain=0.01),
    "dark": Backdrop(
        _studio((0.2, 0.2, 0.22), (0.02, 0.02, 0.03)),
        at_rest=True,
        on_ground=True,
        shadow=0.7,
        penumbra_px=3,
        ambient=0.4,
        diffuse=0.62,
    ),
    "plan": Backdrop(_studio((1, 1, 1), (1, 1, 1)), at_rest=True, grain=0, ambient=0.65, diffuse=0.36),
}
