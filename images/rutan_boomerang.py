"""The Rutan Boomerang, modeled by hand in meters after its three-view proportions.

A main fuselage on the right with a propeller at its nose, a shorter boom on the left with its own
propeller further back, a wing swept slightly forward and longer on one side, and one tailplane across
both tails.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from images.modeling import (
    BLACK,
    GLASS,
    METAL,
    Livery,
    Mask,
    Painter,
    between,
    body,
    paint,
    portholes,
    propeller,
    rgb,
    surface,
    wheel,
)
from processing.datasets.drawn.mesh import Floats, Mesh, box, join, limb, shift, vec

_CABIN_Y, _BOOM_Y = -1.05, 1.3
GROUND_Z = -1.3  # under the wheels of the Boomerang


def boomerang(livery: Livery, *, turning: bool, wheels: bool, angle: float = 0.4) -> tuple[Mesh, Mesh]:
    """Return the Boomerang, and the same with what is half seen (the discs of turning propellers)."""
    props = [
        propeller(vec(3.95, _CABIN_Y, 0.0), 3, 1.02, angle, turning=turning, tip=livery.trim),
        propeller(vec(2.75, _BOOM_Y, 0.02), 3, 1.02, angle + 0.7, turning=turning, tip=livery.trim),
    ]
    solid = [_cabin(livery), _boom(livery), *_boomerang_wings(livery), *_boomerang_tails(livery)]
    solid += [part for parts, _ in props for part in parts]
    if wheels:
        solid += _boomerang_gear()
    blurred = [part for _, parts in props for part in parts]
    return join(solid), join([*solid, *blurred])


def _cabin(livery: Livery) -> Mesh:
    knots = [-5.5, -5.3, -4.2, -3.0, -1.6, -0.2, 0.9, 1.9, 2.8, 3.5, 3.75, 3.8]
    wide = [0.0, 0.07, 0.15, 0.27, 0.47, 0.64, 0.66, 0.6, 0.47, 0.34, 0.27, 0.0]
    high = [0.0, 0.12, 0.2, 0.32, 0.53, 0.72, 0.76, 0.66, 0.48, 0.35, 0.28, 0.0]
    lift = [0.32, 0.32, 0.28, 0.22, 0.15, 0.12, 0.12, 0.08, 0.03, 0.0, 0.0, 0.0]

    def windscreen(at: Floats) -> Mask:
        x, y, z = at.T
        pillar = np.abs(y) < 0.025
        return np.asarray(between(x, 1.3 - 0.25 * (z - 0.4), 2.3 - 1.05 * (z - 0.4)) & (z > 0.36) & ~pillar)

    def stripe(low: float, wide: float) -> Callable[[Floats], Mask]:
        # Rises towards the tail and sweeps down under the nose.
        def test(at: Floats) -> Mask:
            x, _, z = at.T
            middle = low + 0.0035 * (x - 1.5) ** 2 * np.where(x < 1.5, 3.0, -6.0)
            return between(z, middle - wide, middle + wide)

        return test

    windows = portholes([0.85, 0.25, -0.35, -0.95], 0.3, 0.19)
    rims = portholes([0.85, 0.25, -0.35, -0.95], 0.3, 0.225)
    nose = [(lambda at: at[:, 0] > 3.55, METAL), (_vents(3.45, 0.09), BLACK)]
    layers = [
        (stripe(-0.22, 0.06), livery.trim),
        (stripe(-0.33, 0.02), livery.line),
        (rims, (0.6, 0.61, 0.63)),
        (windows, GLASS),
        (windscreen, GLASS),
    ]
    cabin = body(knots, wide, high, lift, paint(livery.base, [*layers, *nose]), fine=640)
    return shift(cabin, vec(0, _CABIN_Y, 0))


def _vents(x: float, radius: float) -> Callable[[Floats], Mask]:
    """Return the test for the two cooling inlets beside a spinner."""
    return lambda at: np.asarray((at[:, 0] > x) & ((np.abs(at[:, 1]) - 0.2) ** 2 + at[:, 2] ** 2 < radius**2))


def _boom(livery: Livery) -> Mesh:
    knots = [-5.9, -5.75, -4.5, -3.0, -1.5, -0.2, 0.9, 1.8, 2.4, 2.55, 2.6]
    wide = [0.0, 0.05, 0.1, 0.17, 0.29, 0.41, 0.46, 0.42, 0.31, 0.27, 0.0]
    high = [0.0, 0.07, 0.12, 0.19, 0.31, 0.43, 0.47, 0.42, 0.31, 0.28, 0.0]
    lift = [0.3, 0.3, 0.24, 0.15, 0.07, 0.02, 0.0, 0.0, 0.02, 0.02, 0.02]

    def stripe(at: Floats) -> Mask:
        return between(at[:, 2], -0.13 - 0.045 * at[:, 0], -0.05 - 0.045 * at[:, 0])

    layers = [(stripe, livery.trim), (lambda at: at[:, 0] > 2.42, METAL), (_vents(2.3, 0.09), BLACK)]
    return shift(body(knots, wide, high, lift, paint(livery.base, layers), fine=400), vec(0, _BOOM_Y, 0))


def _boomerang_wings(livery: Livery) -> list[Mesh]:
    def bands(reach: float) -> Painter:
        outer = [(reach - 0.32, reach - 0.2), (reach - 0.12, reach + 1)]
        tests = [(lambda at, a=a, b=b: between(np.abs(at[:, 1]), a, b), BLACK) for a, b in outer]
        edge = (lambda at: np.abs(at[:, 1]) > reach - 0.62, livery.trim)
        return paint(livery.base, [edge, (lambda at: np.abs(at[:, 1]) > reach - 0.5, livery.base), *tests])

    right, left = vec(0.75, -6.1, 0.12)[0], vec(0.72, 5.3, 0.12)[0]
    root = vec(0.2, -0.2, -0.24)[0]
    return [
        surface(root, right, (1.35, 0.6), 0.13, bands(6.1)),
        surface(root, left, (1.35, 0.62), 0.13, bands(5.3)),
    ]


def _boomerang_tails(livery: Livery) -> list[Mesh]:
    left, right = vec(-5.35, 2.75, 0.36)[0], vec(-5.0, _CABIN_Y - 0.25, 0.36)[0]
    tip = paint(livery.base, [(lambda at: at[:, 1] > 2.45, livery.trim)])
    plane = surface(right, left, (0.75, 0.6), 0.1, tip)
    return [_fin(livery, _CABIN_Y, -4.75, 0.4, 1.45), _fin(livery, _BOOM_Y, -5.2, 0.3, 1.5), plane]


def _fin(livery: Livery, y: float, x: float, z: float, tall: float) -> Mesh:
    """A swept fin with bars of two colors over its upper half."""

    def bars(at: Floats) -> Mask:
        return np.asarray((np.floor((at[:, 2] - z) / 0.09) % 2 == 1) & (at[:, 2] > z + 0.5))

    root, tip = vec(x, y, z - 0.1)[0], vec(x - 0.75, y, z + tall)[0]
    return surface(root, tip, (1.25, 0.6), 0.1, paint(livery.base, [(bars, livery.tail)]))


def _boomerang_gear() -> list[Mesh]:
    parts: list[Mesh] = []
    for x, y, top, r in (
        (2.75, _CABIN_Y, -0.3, 0.2),
        (-0.55, _CABIN_Y + 0.1, -0.5, 0.25),
        (-0.55, _BOOM_Y, -0.25, 0.25),
    ):
        center = vec(x, y, GROUND_Z + r)
        strut = limb(vec(x, y + 0.12, top), center + vec(0, 0.12, 0), 0.05, 0.04, rgb(METAL), sides=16)
        parts += [
            strut,
            limb(center + vec(0, 0.13, 0), center, 0.03, 0.03, rgb(METAL)),
            wheel(center, r, 0.09),
        ]
        parts.append(
            box(vec(x, y + 0.2, top * 0.75 + GROUND_Z * 0.25), vec(0.18, 0.012, 0.22), rgb((0.9, 0.9, 0.9)))
        )
    return parts
