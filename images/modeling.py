"""How the aircraft of `images/` are modeled: bodies and surfaces painted face by face.

Axes as in `processing.datasets.drawn.mesh`: x forward, y left, z up, here in meters. Every mesh is of one
picture (N = 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.datasets.drawn.mesh import Floats, Mesh, ellipsoid, join, shift, tube, turn, vec

Color = tuple[float, float, float]
Mask = NDArray[np.bool_]
Painter = Callable[[Floats], Floats]
Layers = Sequence[tuple[Callable[[Floats], Mask], Color]]

BLACK: Color = (0.05, 0.05, 0.06)
GLASS: Color = (0.07, 0.09, 0.12)
METAL: Color = (0.72, 0.73, 0.75)
TYRE: Color = (0.08, 0.08, 0.08)


_SIDES = 240  # of a body's rings: paint follows the faces, so they are finer than a pixel


@dataclass(frozen=True)
class Livery:
    """The paint of an aircraft; colors are RGB, 0..1."""

    base: Color
    trim: Color
    line: Color
    tail: Color
    belly: Color


def rgb(color: Color) -> Floats:
    return np.array([color], np.float32)


def curve(at: Floats, knots: list[float], values: list[float]) -> Floats:
    """Return a monotone cubic (Fritsch and Carlson 1980) through the knots, which ascend."""
    x, y = np.array(knots), np.array(values)
    slope = np.diff(y) / np.diff(x)
    tangent = np.zeros(len(x))
    same = slope[1:] * slope[:-1] > 0
    product = np.where(same, slope[1:] * slope[:-1], 0)
    tangent[1:-1] = np.where(same, 2 * product / np.where(same, slope[1:] + slope[:-1], 1), 0)
    tangent[0], tangent[-1] = slope[0], slope[-1]
    k = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    step = x[k + 1] - x[k]
    t = (at - x[k]) / step
    rise = (
        y[k] * (1 + 2 * t) * (1 - t) ** 2
        + tangent[k] * step * t * (1 - t) ** 2
        + y[k + 1] * t**2 * (3 - 2 * t)
        + tangent[k + 1] * step * t**2 * (t - 1)
    )
    return np.asarray(rise, np.float32)


def centers(path: Floats, side: Floats, up: Floats, sides: int) -> Floats:
    """Return the middle of each face that `tube` will make, float32[F, 3], in its order."""
    angle = ((np.arange(sides) + 0.5) * (2 * np.pi / sides)).astype(np.float32)[:, None]
    mid = [(v[0, 1:] + v[0, :-1])[:, None] / 2 for v in (path, side, up)]
    ring = mid[0] + mid[1] * np.cos(angle) + mid[2] * np.sin(angle)
    return np.repeat(ring.reshape(-1, 3), 2, axis=0)


def body(
    knots: list[float],
    wide: list[float],
    high: list[float],
    lift: list[float],
    painter: Painter,
    *,
    fine: int = 220,
) -> Mesh:
    """Return a body along x, painted face by face; the knots ascend from the tail to the nose.

    Stations crowd towards the ends, where the radius changes fast.
    """
    ease = (1 - np.cos(np.linspace(0, np.pi, fine))) / 2
    x = (knots[0] + (knots[-1] - knots[0]) * ease).astype(np.float32)
    # Squares of the radii give round noses: a paraboloid instead of a cone.
    w, h = (np.sqrt(np.maximum(curve(x, knots, [v * v for v in r]), 0)) for r in (wide, high))
    z = curve(x, knots, lift)
    zero = 0 * x
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((x, zero, z), (zero, w, zero), (zero, zero, h)))
    colors = painter(centers(path, side, up, _SIDES))[None]
    return tube(path, side, up, colors, sides=_SIDES)


def surface(
    root: Floats, tip: Floats, chords: tuple[float, float], thick: float, painter: Painter, *, fine: int = 48
) -> Mesh:
    """Return a wing or a fin with a rounded tip, painted face by face; chord along x."""
    share = np.concatenate([[0], np.linspace(0, 0.97, fine), 1 - 0.03 * (1 - np.linspace(0, 1, 8)[1:]) ** 2])
    share = share.astype(np.float32)[:, None]
    path = root + (tip - root) * share
    round_tip = np.sqrt(np.clip((1 - share) / np.float32(0.03), 0, 1))
    chord = (chords[0] + (chords[1] - chords[0]) * share) * (np.float32(0.45) + np.float32(0.55) * round_tip)
    chord[0], chord[-1] = 0, 0
    span = tip - root
    thin = np.cross(np.array([1, 0, 0], np.float32), span / np.linalg.norm(span)).astype(np.float32)
    side = chord / 2 * np.array([[1, 0, 0]], np.float32)
    up = chord / 2 * thick * round_tip * thin
    ring = (path[None], side[None].astype(np.float32), up[None].astype(np.float32))
    colors = painter(centers(*ring, 24))[None]
    return tube(*ring, colors, sides=24)


def plain(color: Color) -> Painter:
    return lambda at: np.broadcast_to(rgb(color), at.shape)


def paint(base: Color, layers: Layers) -> Painter:
    """Return a painter that lays each color where its test holds, later ones on top."""

    def painter(at: Floats) -> Floats:
        colors = np.repeat(rgb(base), len(at), axis=0)
        for test, color in layers:
            colors[test(at)] = color
        return colors

    return painter


def between(v: Floats, low: float | Floats, high: float | Floats) -> Mask:
    return np.asarray((v > low) & (v < high))


def portholes(xs: list[float], z: float, radius: float) -> Callable[[Floats], Mask]:
    """Return the test for round windows on both sides."""

    def test(at: Floats) -> Mask:
        near = [(at[:, 0] - x) ** 2 + (at[:, 2] - z) ** 2 < radius**2 for x in xs]
        return np.asarray(np.any(near, axis=0))

    return test


def propeller(
    hub: Floats, blades: int, size: float, angle: float, *, turning: bool, tip: Color
) -> tuple[list[Mesh], list[Mesh]]:
    """Return (solid parts, parts that are half seen): blades at rest, or the disc that they sweep."""
    spinner = body(
        [-0.3, -0.28, 0.0, 0.45],
        [0.0, 0.27, 0.26, 0.0],
        [0.0, 0.27, 0.26, 0.0],
        [0.0] * 4,
        plain(tip),
        fine=40,
    )
    solid = [shift(spinner, hub)]
    if turning:
        rim = [
            ellipsoid(hub, vec(0.015, size * r, size * r), rgb(c), sides=72, stations=7)
            for r, c in ((1.0, (0.35, 0.33, 0.3)),)
        ]
        return solid, rim
    for k in range(blades):
        blade = surface(
            vec(0, 0, 0)[0],
            vec(0, 0, size)[0],
            (0.1, 0.07),
            0.5,
            paint(BLACK, [(lambda at: at[:, 2] > 0.9 * size, (0.9, 0.9, 0.9))]),
        )
        wide = turn(blade, 2, 1.1)
        solid.append(shift(turn(wide, 0, angle + 2 * np.pi * k / blades), hub))
    return solid, []


def wheel(center: Floats, radius: float, half_width: float) -> Mesh:
    y = np.array([-1, -1, -0.6, 0.6, 1, 1], np.float32) * half_width
    r = np.array([0, 0.85, 1, 1, 0.85, 0], np.float32) * radius
    zero = 0 * y
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((zero, y, zero), (r, zero, zero), (zero, zero, r)))
    hub = ellipsoid(
        vec(0, 0, 0), vec(radius * 0.5, half_width * 1.2, radius * 0.5), rgb(METAL), sides=20, stations=8
    )
    return shift(join([tube(path, side, up, rgb(TYRE), sides=32), hub]), center)
