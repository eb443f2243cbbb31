"""The Embraer 190, a twin-jet airliner with a swept low wing, modeled by hand in meters."""

from __future__ import annotations

import numpy as np

from images.modeling import (
    BLACK,
    GLASS,
    METAL,
    Color,
    Livery,
    Mask,
    Painter,
    between,
    body,
    paint,
    plain,
    rgb,
    surface,
    wheel,
)
from processing.datasets.drawn.mesh import Floats, Mesh, ellipsoid, join, limb, shift, tube, vec

GROUND_Z = -3.35  # under the wheels


def embraer(livery: Livery, *, wheels: bool) -> Mesh:
    """Return an Embraer 190, 36 m long."""
    parts = [_airliner_body(livery)]
    for y in (1.0, -1.0):
        parts += _airliner_side(livery, y)
    fin = surface(vec(-14.2, 0, 1.0)[0], vec(-18.0, 0, 7.0)[0], (5.4, 2.2), 0.09, _fin_painter(livery))
    fillet = surface(vec(-10.0, 0, 1.25)[0], vec(-14.5, 0, 2.6)[0], (4.0, 1.6), 0.05, plain(livery.tail))
    return join([*parts, fin, fillet, *(_airliner_gear() if wheels else [])])


def _fin_painter(livery: Livery) -> Painter:
    def band(at: Floats) -> Mask:
        return between(at[:, 2] + 0.35 * at[:, 0], -2.9, -2.1)

    return paint(livery.tail, [(band, livery.line), (lambda at: at[:, 2] < 1.6, livery.base)])


def _airliner_body(livery: Livery) -> Mesh:
    knots = [-18.6, -18.3, -16.5, -13.5, -10.0, -6.0, 0.0, 8.0, 12.5, 14.8, 16.4, 17.3, 17.6]
    wide = [0.0, 0.25, 0.65, 1.12, 1.42, 1.5, 1.5, 1.5, 1.5, 1.35, 0.95, 0.5, 0.0]
    high = [0.0, 0.3, 0.75, 1.22, 1.55, 1.68, 1.68, 1.68, 1.66, 1.42, 0.98, 0.52, 0.0]
    lift = [0.95, 0.93, 0.75, 0.42, 0.12, 0.0, 0.0, 0.0, 0.0, -0.08, -0.28, -0.45, -0.5]

    def windows(at: Floats) -> Mask:
        x, _, z = at.T
        return np.asarray(between(x, -10.5, 12.4) & between(z, 0.32, 0.7) & (np.mod(x, 0.78) < 0.42))

    def doors(at: Floats) -> Mask:
        x, _, z = at.T
        frame = [np.abs(np.abs(x - c) - 0.45) < 0.06 for c in (13.6, -11.6)]
        return np.asarray(np.any(frame, axis=0) & between(z, -0.55, 1.05))

    def cockpit(at: Floats) -> Mask:
        x, y, z = at.T
        post = (np.abs(np.abs(y) - 0.62) < 0.06) | (np.abs(y) < 0.05)
        return np.asarray(
            between(z, 0.22 + 0.05 * (15.9 - x), 0.78 + 0.1 * (15.9 - x)) & between(x, 14.75, 17.0) & ~post
        )

    def belly(at: Floats) -> Mask:
        x, _, z = at.T
        return np.asarray(z < -0.62 + 0.012 * np.maximum(0, -x - 4) ** 1.6)

    def line(at: Floats) -> Mask:
        x, _, z = at.T
        edge = -0.62 + 0.012 * np.maximum(0, -x - 4) ** 1.6
        return between(z, edge, edge + 0.2)

    def rear(at: Floats) -> Mask:
        return np.asarray(at[:, 0] + 0.9 * at[:, 2] < -11.8)

    layers = [
        (rear, livery.tail),
        (belly, livery.belly),
        (line, livery.line),
        (doors, (0.55, 0.56, 0.6)),
        (windows, GLASS),
        (cockpit, GLASS),
    ]
    hull = body(knots, wide, high, lift, paint(livery.base, layers), fine=520)
    fairing = ellipsoid(vec(0.6, 0, -1.35), vec(5.0, 1.55, 0.75), rgb(livery.belly), sides=40, stations=30)
    return join([hull, fairing])


def _airliner_side(livery: Livery, y: float) -> list[Mesh]:
    grey: Color = (0.72, 0.74, 0.77)
    leading = paint(grey, [(lambda at: np.abs(at[:, 1]) > 13.0, livery.base)])
    inner = surface(vec(1.5, 0.9 * y, -1.25)[0], vec(-1.9, 5.4 * y, -0.85)[0], (6.6, 3.6), 0.12, plain(grey))
    outer = surface(vec(-1.75, 5.2 * y, -0.86)[0], vec(-6.0, 13.6 * y, 0.05)[0], (3.7, 1.45), 0.11, leading)
    winglet = surface(
        vec(-6.0, 13.5 * y, 0.0)[0], vec(-7.5, 14.3 * y, 1.9)[0], (1.5, 0.6), 0.09, plain(livery.tail)
    )
    plane = surface(vec(-15.6, 0.5 * y, 0.85)[0], vec(-18.6, 6.0 * y, 1.5)[0], (3.3, 1.4), 0.1, plain(grey))
    pylon = surface(vec(1.6, 4.75 * y, -1.75)[0], vec(0.6, 4.75 * y, -0.9)[0], (3.4, 3.4), 0.08, plain(grey))
    return [inner, outer, winglet, plane, pylon, _nacelle(livery, 4.75 * y)]


def _nacelle(livery: Livery, y: float) -> Mesh:
    """An engine with an open, dark inlet: the skin turns in at the lip and ends inside."""
    x = np.array([2.6, 2.6, 3.25, 3.42, 3.45, 3.3, 2.4, 1.2, 0.2, -0.5, -0.5, -0.9, -1.5], np.float32)
    r = np.array([0, 0.72, 0.78, 0.84, 0.9, 0.96, 1.06, 1.02, 0.86, 0.68, 0.42, 0.3, 0], np.float32)
    zero = 0 * x
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((x, zero, zero), (zero, r, zero), (zero, zero, r)))
    shell = [
        BLACK,
        BLACK,
        (0.25, 0.25, 0.27),
        METAL,
        METAL,
        livery.trim,
        livery.trim,
        livery.trim,
        livery.trim,
        (0.2, 0.2, 0.2),
        METAL,
        METAL,
    ]
    colors = np.repeat(np.array(shell, np.float32), 2 * 40, axis=0)[None]
    fan = ellipsoid(vec(2.6, 0, 0), vec(0.4, 0.28, 0.28), rgb((0.6, 0.6, 0.62)), sides=20, stations=10)
    return shift(join([tube(path, side, up, colors, sides=40), fan]), vec(0, y, -2.15))


def _airliner_gear() -> list[Mesh]:
    parts: list[Mesh] = []
    for x, y, top, r in ((14.0, 0.0, -1.3, 0.35), (-0.9, 2.9, -1.2, 0.5), (-0.9, -2.9, -1.2, 0.5)):
        axle = vec(x, y, GROUND_Z + r)
        parts.append(limb(vec(x, y, top), axle, 0.12, 0.1, rgb(METAL), sides=16))
        parts += [wheel(axle + vec(0, s * 0.32, 0), r, 0.16) for s in (-1, 1)]
    return parts
