"""The two aircraft of `images/`, modeled by hand in meters after their three-view proportions.

The Rutan Boomerang: a main fuselage on the right with a propeller at its nose, a shorter boom on the left
with its own propeller further back, a wing swept slightly forward and longer on one side, and one
tailplane across both tails. The Embraer 190: a twin-jet airliner with a swept low wing.

Axes as in `processing.datasets.mesh`: x forward, y left, z up. Every mesh is of one picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from processing.datasets.mesh import Floats, Mesh, box, ellipsoid, join, limb, shift, stack, tube, turn, vec

Color = tuple[float, float, float]
Painter = Callable[[Floats], Floats]

BLACK: Color = (0.05, 0.05, 0.06)
GLASS: Color = (0.07, 0.09, 0.12)
METAL: Color = (0.72, 0.73, 0.75)
TYRE: Color = (0.08, 0.08, 0.08)


@dataclass(frozen=True)
class Livery:
    """The paint of an aircraft; colors are RGB, 0..1."""

    base: Color
    trim: Color
    line: Color
    tail: Color
    belly: Color


def _rgb(color: Color) -> Floats:
    return np.array([color], np.float32)


def _curve(at: Floats, knots: list[float], values: list[float]) -> Floats:
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
    return rise.astype(np.float32)


def _centers(path: Floats, side: Floats, up: Floats, sides: int) -> Floats:
    """Return the middle of each face that `tube` will make, float32[F, 3], in its order."""
    angle = ((np.arange(sides) + 0.5) * (2 * np.pi / sides)).astype(np.float32)[:, None]
    mid = [(v[0, 1:] + v[0, :-1])[:, None] / 2 for v in (path, side, up)]
    ring = mid[0] + mid[1] * np.cos(angle) + mid[2] * np.sin(angle)
    return np.repeat(ring.reshape(-1, 3), 2, axis=0)


def _body(
    knots: list[float], wide: list[float], high: list[float], lift: list[float], painter: Painter, *, fine: int = 220
) -> Mesh:
    """Return a body along x, painted face by face; the knots ascend from the tail to the nose.

    Stations crowd towards the ends, where the radius changes fast.
    """
    ease = (1 - np.cos(np.linspace(0, np.pi, fine))) / 2
    x = (knots[0] + (knots[-1] - knots[0]) * ease).astype(np.float32)
    # Squares of the radii give round noses: a paraboloid instead of a cone.
    w, h = (np.sqrt(np.maximum(_curve(x, knots, [v * v for v in r]), 0)) for r in (wide, high))
    z = _curve(x, knots, lift)
    zero = 0 * x
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((x, zero, z), (zero, w, zero), (zero, zero, h)))
    colors = painter(_centers(path, side, up, 144))[None]
    return tube(path, side, up, colors, sides=144)


def _surface(
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
    colors = painter(_centers(*ring, 24))[None]
    return tube(*ring, colors, sides=24)


def _plain(color: Color) -> Painter:
    return lambda at: np.broadcast_to(_rgb(color), at.shape)


def _paint(base: Color, layers: list[tuple[Callable[[Floats], np.ndarray], Color]]) -> Painter:
    """Return a painter that lays each color where its test holds, later ones on top."""

    def painter(at: Floats) -> Floats:
        colors = np.repeat(_rgb(base), len(at), axis=0)
        for test, color in layers:
            colors[test(at)] = color
        return colors

    return painter


def _between(v: Floats, low: float | Floats, high: float | Floats) -> np.ndarray:
    return np.asarray((v > low) & (v < high))


def _portholes(xs: list[float], z: float, radius: float) -> Callable[[Floats], np.ndarray]:
    """Return the test for round windows on both sides."""

    def test(at: Floats) -> np.ndarray:
        near = [(at[:, 0] - x) ** 2 + (at[:, 2] - z) ** 2 < radius**2 for x in xs]
        return np.asarray(np.any(near, axis=0))

    return test


def _propeller(hub: Floats, blades: int, size: float, angle: float, *, turning: bool, tip: Color) -> tuple[list[Mesh], list[Mesh]]:
    """Return (solid parts, parts that are half seen): blades at rest, or the disc that they sweep."""
    spinner = _body([-0.3, -0.28, 0.0, 0.45], [0.0, 0.27, 0.26, 0.0], [0.0, 0.27, 0.26, 0.0], [0.0] * 4, _plain(tip), fine=40)
    solid = [shift(spinner, hub)]
    if turning:
        rim = [ellipsoid(hub, vec(0.015, size * r, size * r), _rgb(c), sides=72, stations=7) for r, c in ((1.0, (0.35, 0.33, 0.3)),)]
        return solid, rim
    for k in range(blades):
        blade = _surface(vec(0, 0, 0)[0], vec(0, 0, size)[0], (0.1, 0.07), 0.5, _paint(BLACK, [(lambda at: at[:, 2] > 0.9 * size, (0.9, 0.9, 0.9))]))
        wide = turn(blade, 2, 1.1)
        solid.append(shift(turn(wide, 0, angle + 2 * np.pi * k / blades), hub))
    return solid, []


def _wheel(center: Floats, radius: float, half_width: float) -> Mesh:
    y = np.array([-1, -1, -0.6, 0.6, 1, 1], np.float32) * half_width
    r = np.array([0, 0.85, 1, 1, 0.85, 0], np.float32) * radius
    zero = 0 * y
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((zero, y, zero), (r, zero, zero), (zero, zero, r)))
    hub = ellipsoid(vec(0, 0, 0), vec(radius * 0.5, half_width * 1.2, radius * 0.5), _rgb(METAL), sides=20, stations=8)
    return shift(join([tube(path, side, up, _rgb(TYRE), sides=32), hub]), center)


# --- Rutan Boomerang ------------------------------------------------------------------------------------

_CABIN_Y, _BOOM_Y = -1.05, 1.3
GROUND_Z = -1.3  # under the wheels of the Boomerang


def boomerang(livery: Livery, *, turning: bool, wheels: bool, angle: float = 0.4) -> tuple[Mesh, Mesh]:
    """Return the Boomerang, and the same with what is half seen (the discs of turning propellers)."""
    props = [
        _propeller(vec(3.95, _CABIN_Y, 0.0), 3, 1.02, angle, turning=turning, tip=livery.trim),
        _propeller(vec(2.75, _BOOM_Y, 0.02), 3, 1.02, angle + 0.7, turning=turning, tip=livery.trim),
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

    def windscreen(at: Floats) -> np.ndarray:
        x, y, z = at.T
        pillar = np.abs(y) < 0.025
        return np.asarray(_between(x, 1.3 - 0.25 * (z - 0.4), 2.3 - 1.05 * (z - 0.4)) & (z > 0.36) & ~pillar)

    def stripe(low: float, wide: float) -> Callable[[Floats], np.ndarray]:
        # Rises towards the tail and sweeps down under the nose.
        def test(at: Floats) -> np.ndarray:
            x, _, z = at.T
            middle = low + 0.0035 * (x - 1.5) ** 2 * np.where(x < 1.5, 3.0, -6.0)
            return _between(z, middle - wide, middle + wide)

        return test

    windows = _portholes([0.85, 0.25, -0.35, -0.95], 0.3, 0.19)
    rims = _portholes([0.85, 0.25, -0.35, -0.95], 0.3, 0.225)
    nose = [(lambda at: at[:, 0] > 3.55, METAL), (_vents(3.45, 0.09), BLACK)]
    layers = [(stripe(-0.22, 0.06), livery.trim), (stripe(-0.33, 0.02), livery.line), (rims, (0.6, 0.61, 0.63)), (windows, GLASS), (windscreen, GLASS)]
    body = _body(knots, wide, high, lift, _paint(livery.base, [*layers, *nose]), fine=320)
    return shift(body, vec(0, _CABIN_Y, 0))


def _vents(x: float, radius: float) -> Callable[[Floats], np.ndarray]:
    """Return the test for the two cooling inlets beside a spinner."""
    return lambda at: np.asarray((at[:, 0] > x) & ((np.abs(at[:, 1]) - 0.2) ** 2 + at[:, 2] ** 2 < radius**2))


def _boom(livery: Livery) -> Mesh:
    knots = [-5.9, -5.75, -4.5, -3.0, -1.5, -0.2, 0.9, 1.8, 2.4, 2.55, 2.6]
    wide = [0.0, 0.05, 0.1, 0.17, 0.29, 0.41, 0.46, 0.42, 0.31, 0.27, 0.0]
    high = [0.0, 0.07, 0.12, 0.19, 0.31, 0.43, 0.47, 0.42, 0.31, 0.28, 0.0]
    lift = [0.3, 0.3, 0.24, 0.15, 0.07, 0.02, 0.0, 0.0, 0.02, 0.02, 0.02]

    def stripe(at: Floats) -> np.ndarray:
        return _between(at[:, 2], -0.13 - 0.045 * at[:, 0], -0.05 - 0.045 * at[:, 0])

    layers = [(stripe, livery.trim), (lambda at: at[:, 0] > 2.42, METAL), (_vents(2.3, 0.09), BLACK)]
    return shift(_body(knots, wide, high, lift, _paint(livery.base, layers)), vec(0, _BOOM_Y, 0))


def _boomerang_wings(livery: Livery) -> list[Mesh]:
    def bands(reach: float) -> Painter:
        outer = [(reach - 0.32, reach - 0.2), (reach - 0.12, reach + 1)]
        tests = [(lambda at, a=a, b=b: _between(np.abs(at[:, 1]), a, b), BLACK) for a, b in outer]
        edge = (lambda at: np.abs(at[:, 1]) > reach - 0.62, livery.trim)
        return _paint(livery.base, [edge, (lambda at: np.abs(at[:, 1]) > reach - 0.5, livery.base), *tests])

    right, left = vec(0.75, -6.1, 0.12)[0], vec(0.72, 5.3, 0.12)[0]
    root = vec(0.2, -0.2, -0.24)[0]
    return [_surface(root, right, (1.35, 0.6), 0.13, bands(6.1)), _surface(root, left, (1.35, 0.62), 0.13, bands(5.3))]


def _boomerang_tails(livery: Livery) -> list[Mesh]:
    fins = []
    for y, x, z, tall in ((_CABIN_Y, -4.75, 0.4, 1.45), (_BOOM_Y, -5.2, 0.3, 1.5)):
        def checks(at: Floats, low: float = z) -> np.ndarray:
            return np.asarray((np.floor((at[:, 2] - low) / 0.09) % 2 == 0) & (at[:, 2] > low + 0.55))

        painter = _paint(livery.base, [(lambda at, low=z: at[:, 2] > low + 0.5, livery.tail), (checks, livery.base)])
        fins.append(_surface(vec(x, y, z - 0.1)[0], vec(x - 0.75, y, z + tall)[0], (1.25, 0.6), 0.1, painter))
    ends = (vec(-5.0, _CABIN_Y - 0.25, 0.36)[0], vec(-5.35, 2.75, 0.36)[0])
    plane = _surface(ends[0], ends[1], (0.75, 0.6), 0.1, _paint(livery.base, [(lambda at: at[:, 1] > 2.45, livery.trim)]))
    return [*fins, plane]


def _boomerang_gear() -> list[Mesh]:
    parts: list[Mesh] = []
    for x, y, top, r in ((2.75, _CABIN_Y, -0.3, 0.2), (-0.55, _CABIN_Y + 0.1, -0.5, 0.25), (-0.55, _BOOM_Y, -0.25, 0.25)):
        center = vec(x, y, GROUND_Z + r)
        strut = limb(vec(x, y + 0.12, top), center + vec(0, 0.12, 0), 0.05, 0.04, _rgb(METAL), sides=16)
        parts += [strut, limb(center + vec(0, 0.13, 0), center, 0.03, 0.03, _rgb(METAL)), _wheel(center, r, 0.09)]
        parts.append(box(vec(x, y + 0.2, top * 0.75 + GROUND_Z * 0.25), vec(0.18, 0.012, 0.22), _rgb((0.9, 0.9, 0.9))))
    return parts


# --- Embraer 190 ----------------------------------------------------------------------------------------

AIRLINER_GROUND_Z = -3.35


def embraer(livery: Livery, *, wheels: bool) -> Mesh:
    """Return an Embraer 190, 36 m long."""
    parts = [_airliner_body(livery)]
    for y in (1.0, -1.0):
        parts += _airliner_side(livery, y)
    fin = _surface(vec(-14.2, 0, 1.0)[0], vec(-18.0, 0, 7.0)[0], (5.4, 2.2), 0.09, _fin_painter(livery))
    fillet = _surface(vec(-10.0, 0, 1.25)[0], vec(-14.5, 0, 2.6)[0], (4.0, 1.6), 0.05, _plain(livery.tail))
    return join([*parts, fin, fillet, *(_airliner_gear() if wheels else [])])


def _fin_painter(livery: Livery) -> Painter:
    def band(at: Floats) -> np.ndarray:
        return _between(at[:, 2] + 0.35 * at[:, 0], -2.9, -2.1)

    return _paint(livery.tail, [(band, livery.line), (lambda at: at[:, 2] < 1.6, livery.base)])


def _airliner_body(livery: Livery) -> Mesh:
    knots = [-18.6, -18.3, -16.5, -13.5, -10.0, -6.0, 0.0, 8.0, 12.5, 14.8, 16.4, 17.3, 17.6]
    wide = [0.0, 0.25, 0.65, 1.12, 1.42, 1.5, 1.5, 1.5, 1.5, 1.35, 0.95, 0.5, 0.0]
    high = [0.0, 0.3, 0.75, 1.22, 1.55, 1.68, 1.68, 1.68, 1.66, 1.42, 0.98, 0.52, 0.0]
    lift = [0.95, 0.93, 0.75, 0.42, 0.12, 0.0, 0.0, 0.0, 0.0, -0.08, -0.28, -0.45, -0.5]

    def windows(at: Floats) -> np.ndarray:
        x, _, z = at.T
        return np.asarray(_between(x, -10.5, 12.4) & _between(z, 0.32, 0.7) & (np.mod(x, 0.78) < 0.42))

    def doors(at: Floats) -> np.ndarray:
        x, _, z = at.T
        frame = [np.abs(np.abs(x - c) - 0.45) < 0.06 for c in (13.6, -11.6)]
        return np.asarray(np.any(frame, axis=0) & _between(z, -0.55, 1.05))

    def cockpit(at: Floats) -> np.ndarray:
        x, y, z = at.T
        post = (np.abs(np.abs(y) - 0.62) < 0.06) | (np.abs(y) < 0.05)
        return np.asarray(_between(z, 0.22 + 0.05 * (15.9 - x), 0.78 + 0.1 * (15.9 - x)) & _between(x, 14.75, 17.0) & ~post)

    def belly(at: Floats) -> np.ndarray:
        x, _, z = at.T
        return np.asarray(z < -0.62 + 0.012 * np.maximum(0, -x - 4) ** 1.6)

    def line(at: Floats) -> np.ndarray:
        x, _, z = at.T
        edge = -0.62 + 0.012 * np.maximum(0, -x - 4) ** 1.6
        return _between(z, edge, edge + 0.2)

    def rear(at: Floats) -> np.ndarray:
        return np.asarray(at[:, 0] + 0.9 * at[:, 2] < -11.8)

    layers = [(rear, livery.tail), (belly, livery.belly), (line, livery.line), (doors, (0.55, 0.56, 0.6)), (windows, GLASS), (cockpit, GLASS)]
    body = _body(knots, wide, high, lift, _paint(livery.base, layers), fine=520)
    fairing = ellipsoid(vec(0.6, 0, -1.35), vec(5.0, 1.55, 0.75), _rgb(livery.belly), sides=40, stations=30)
    return join([body, fairing])


def _airliner_side(livery: Livery, y: float) -> list[Mesh]:
    grey: Color = (0.72, 0.74, 0.77)
    leading = _paint(grey, [(lambda at: np.abs(at[:, 1]) > 13.0, livery.base)])
    inner = _surface(vec(1.5, 0.9 * y, -1.25)[0], vec(-1.9, 5.4 * y, -0.85)[0], (6.6, 3.6), 0.12, _plain(grey))
    outer = _surface(vec(-1.75, 5.2 * y, -0.86)[0], vec(-6.0, 13.6 * y, 0.05)[0], (3.7, 1.45), 0.11, leading)
    winglet = _surface(vec(-6.0, 13.5 * y, 0.0)[0], vec(-7.5, 14.3 * y, 1.9)[0], (1.5, 0.6), 0.09, _plain(livery.tail))
    plane = _surface(vec(-15.6, 0.5 * y, 0.85)[0], vec(-18.6, 6.0 * y, 1.5)[0], (3.3, 1.4), 0.1, _plain(grey))
    pylon = _surface(vec(1.6, 4.75 * y, -1.75)[0], vec(0.6, 4.75 * y, -0.9)[0], (3.4, 3.4), 0.08, _plain(grey))
    return [inner, outer, winglet, plane, pylon, _nacelle(livery, 4.75 * y)]


def _nacelle(livery: Livery, y: float) -> Mesh:
    """An engine with an open, dark inlet: the skin turns in at the lip and ends inside."""
    x = np.array([2.6, 2.6, 3.25, 3.42, 3.45, 3.3, 2.4, 1.2, 0.2, -0.5, -0.5, -0.9, -1.5], np.float32)
    r = np.array([0, 0.72, 0.78, 0.84, 0.9, 0.96, 1.06, 1.02, 0.86, 0.68, 0.42, 0.3, 0], np.float32)
    zero = 0 * x
    path, side, up = (np.stack(v, axis=-1)[None] for v in ((x, zero, zero), (zero, r, zero), (zero, zero, r)))
    shell = [BLACK, BLACK, (0.25, 0.25, 0.27), METAL, METAL, livery.trim, livery.trim, livery.trim, livery.trim, (0.2, 0.2, 0.2), METAL, METAL]
    colors = np.repeat(np.array(shell, np.float32), 2 * 40, axis=0)[None]
    fan = ellipsoid(vec(2.6, 0, 0), vec(0.4, 0.28, 0.28), _rgb((0.6, 0.6, 0.62)), sides=20, stations=10)
    return shift(join([tube(path, side, up, colors, sides=40), fan]), vec(0, y, -2.15))


def _airliner_gear() -> list[Mesh]:
    parts: list[Mesh] = []
    for x, y, top, r in ((14.0, 0.0, -1.3, 0.35), (-0.9, 2.9, -1.2, 0.5), (-0.9, -2.9, -1.2, 0.5)):
        axle = vec(x, y, AIRLINER_GROUND_Z + r)
        parts.append(limb(vec(x, y, top), axle, 0.12, 0.1, _rgb(METAL), sides=16))
        parts += [_wheel(axle + vec(0, s * 0.32, 0), r, 0.16) for s in (-1, 1)]
    return parts


def stations(*points: Floats) -> Floats:
    """Return rings' centers float32[1, S, 3] of points float32[1, 3]."""
    return stack(points)
