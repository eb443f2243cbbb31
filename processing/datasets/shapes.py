"""The ten bodies of the bundled data set, each drawn with its own proportions, pose and paint.

Every function takes the random numbers of N pictures and gives one mesh for all of them. Bodies are
about two units long, face +x, and stand on their lowest point. What a picture does not have (an engine,
antlers, folded wings) is there as a mesh that is never drawn, since all N share one list of faces.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from processing.datasets.draws import Draws
from processing.datasets.mesh import (
    Floats,
    Mesh,
    box,
    ellipsoid,
    join,
    limb,
    mirror,
    only,
    shift,
    stack,
    tube,
    turn,
    vec,
    wing,
)

DARK = vec(0.07, 0.07, 0.09)
GLASS = vec(0.12, 0.16, 0.22)
STEEL = vec(0.45, 0.46, 0.48)


def paint(d: Draws, table: list[tuple[float, float, float]], spread: float = 0.08) -> Floats:
    """Return a color out of the table, float32[N, 3], each a little different."""
    return np.clip(d.choose(table) + (d.grid(3) - np.float32(0.5)) * np.float32(2 * spread), 0.02, 1)


def any_color(d: Draws) -> Floats:
    """Return a color from the whole cube, float32[N, 3]."""
    return d.grid(3) * np.float32(0.9) + np.float32(0.05)


def lathe(xs: list[float], radii: list[float], length: Floats, wide: Floats, high: Floats, lift: Floats) -> tuple[
    Floats, Floats, Floats
]:
    """Return the rings (path, side, up) of a body along x, given as shares of its length and radii."""
    path = stack([vec(x * length, 0, lift * (max(0.0, -x) ** 2)) for x in xs])
    side = stack([vec(0, r * wide, 0) for r in radii])
    return path, side, stack([vec(0, 0, r * high) for r in radii])


def both(mesh: Mesh) -> Mesh:
    """Return the mesh and its mirror image."""
    return join([mesh, mirror(mesh)])


# --- airplane -------------------------------------------------------------------------------------------


def airplane(d: Draws) -> Mesh:
    """Airliners, light planes, gliders, fighters and twin booms."""
    skin = paint(d, [(0.93, 0.93, 0.94)] * 5 + [(0.7, 0.72, 0.75)] * 2 + [(0.35, 0.4, 0.38), (0.85, 0.2, 0.15)])
    accent = np.where(d.flag(0.5)[:, None], skin, any_color(d))
    kind = d.pick([4, 3, 1.2, 1, 1.5])  # airliner, light plane, glider, fighter, twin boom
    booms = kind == 4
    radius = np.array([0.12, 0.14, 0.08, 0.10, 0.13], np.float32)[kind] * d.uniform(0.85, 1.2)
    reach = np.array([0.95, 1.0, 1.35, 0.6, 1.1], np.float32)[kind] * d.uniform(0.85, 1.15)
    sweep = np.array([0.5, 0.0, 0.0, 0.65, 0.08], np.float32)[kind] * d.uniform(0.7, 1.2) + d.uniform(-0.06, 0.1)
    chord = np.array([0.42, 0.4, 0.22, 0.8, 0.34], np.float32)[kind] * d.uniform(0.85, 1.2)
    at = vec(d.uniform(0.05, 0.3), 0, radius * d.uniform(-0.6, 0.8))
    rear = d.uniform(0.15, 0.7) * booms  # a pod ends early and leaves the tail to its booms
    return join(
        [
            _fuselage(d, skin, accent, radius, rear),
            _wings(d, at, reach, sweep, chord, np.where(d.flag(0.7)[:, None], skin, accent)),
            _tail(d, skin, accent, radius, booms),
            _booms(d, skin, accent, booms),
            _engines(d, kind, at, reach, sweep, radius, accent),
            only(d.flag(0.35), _gear(d, radius)),
        ]
    )


def _fuselage(d: Draws, skin: Floats, accent: Floats, radius: Floats, rear: Floats) -> Mesh:
    xs = [1.0, 0.97, 0.85, 0.6, 0.2, -0.3, -0.7, -0.97, -1.0]
    ring = [0.0, 0.3, 0.7, 1.0, 1.0, 1.0, 0.62, 0.22, 0.0]
    path, side, up = lathe(xs, ring, d.uniform(0.95, 1.05), radius, radius, radius * 0.5)
    path = path * np.where(path[..., :1] < 0, 1 - rear[:, None, None], 1).astype(np.float32)
    canopy = ellipsoid(
        vec(d.uniform(0.5, 0.75), 0, radius * 0.62), vec(d.uniform(0.1, 0.22), radius * 0.75, radius * 0.65), GLASS
    )
    stripe = box(vec(0.1, 0, radius * 0.2), vec(0.6, radius * 1.01, 0.018), np.where(d.flag(0.5)[:, None], GLASS, accent))
    return join([tube(path, side, up, skin, sides=10), canopy, only(d.flag(0.5) & (rear == 0), stripe)])


def _wings(d: Draws, at: Floats, reach: Floats, sweep: Floats, chord: Floats, color: Floats) -> Mesh:
    rise = reach * d.uniform(-0.04, 0.16)
    tip_chord = chord * d.uniform(0.25, 0.9)
    thickness = d.uniform(0.08, 0.14)

    def half(span: Floats) -> Mesh:
        tip = at + vec(-sweep * span, span, rise)
        return wing(at, tip, root_chord=chord, tip_chord=tip_chord, thickness=thickness, color=color)

    shorter = np.where(d.flag(0.15), d.uniform(0.65, 1.0), 1).astype(np.float32)
    return join([half(reach), mirror(half(reach * shorter))])


def _tail(d: Draws, skin: Floats, accent: Floats, radius: Floats, booms: np.ndarray) -> Mesh:
    height = d.uniform(0.24, 0.42)
    back, chord = d.uniform(0.0, 0.25), d.uniform(0.2, 0.34)
    root = vec(-0.82, 0, radius * 0.4)
    top = root + vec(-back, 0, height)
    fin = wing(root, top, root_chord=chord, tip_chord=chord * 0.6, thickness=0.12, color=accent)
    high = np.where(d.flag(0.2), height * 0.95, 0)
    start = vec(-0.85 - back * high / height, 0, radius * 0.4 + high)
    end = start + vec(-d.uniform(0, 0.2), d.uniform(0.28, 0.45), d.uniform(-0.03, 0.06))
    plane = both(wing(start, end, root_chord=chord * 0.8, tip_chord=chord * 0.5, thickness=0.1, color=skin))
    return only(~booms, join([fin, plane]))


def _booms(d: Draws, skin: Floats, accent: Floats, booms: np.ndarray) -> Mesh:
    y, r = d.uniform(0.22, 0.38), d.uniform(0.035, 0.06)
    boom = limb(vec(0.25, y, 0), vec(-1.0, y, 0.05), r, r * 0.6, skin)
    fin = wing(
        vec(-0.9, y, 0.0), vec(-1.0, y, d.uniform(0.22, 0.34)), root_chord=0.25, tip_chord=0.15, thickness=0.12, color=accent
    )
    bridge = both(wing(vec(-0.95, 0, 0.06), vec(-0.95, y * 1.05, 0.06), root_chord=0.18, tip_chord=0.18, thickness=0.1, color=skin))
    return only(booms, join([both(join([boom, fin])), bridge]))


def _engines(
    d: Draws, kind: np.ndarray, at: Floats, reach: Floats, sweep: Floats, radius: Floats, color: Floats
) -> Mesh:
    out = d.uniform(0.28, 0.42) * reach
    hung = at + vec(0.2 - sweep * out, out, -0.06)
    size = d.uniform(0.045, 0.075)
    hull = np.where(d.flag(0.5)[:, None], vec(0.85, 0.85, 0.87), color)
    on_wing = both(limb(hung, hung + vec(-0.28, 0, 0), size, size * 0.8, hull, sides=8))
    rear_at = vec(-0.4, radius + size, radius * 0.5)
    at_rear = both(limb(rear_at, rear_at + vec(-0.3, 0, 0), size, size * 0.8, hull, sides=8))
    where = np.where(kind == 0, d.pick([3, 1]), np.where(kind == 1, 2 + d.pick([2.5, 1]), 2 + 2 * d.pick([1, 1])))
    nose = only(where == 2, shift(_propeller(d), vec(1.03, 0, 0)))
    sides = only(where == 3, join([on_wing, both(shift(_propeller(d), hung + vec(0.06, 0, 0)))]))
    return join([only(where == 0, on_wing), only(where == 1, at_rear), nose, sides])


def _propeller(d: Draws) -> Mesh:
    size = d.uniform(0.16, 0.24)
    blade = box(vec(0, 0, 0), vec(0.012, 0.022, size), DARK)
    blades = join([turn(blade, 0, angle) for angle in (0.0, np.pi / 2)])
    return join([turn(blades, 0, d.uniform(0, np.pi)), ellipsoid(vec(0, 0, 0), vec(0.06, 0.04, 0.04), STEEL)])


def _gear(d: Draws, radius: Floats) -> Mesh:
    low = -radius - d.uniform(0.08, 0.16)
    main = vec(0.0, d.uniform(0.14, 0.26), low)
    legs = [both(limb(main * vec(1, 0.5, 0), main, 0.015, 0.015, STEEL)), both(wheel(main, 0.055, 0.025))]
    nose = vec(0.72, 0, low)
    return join([*legs, limb(nose * vec(1, 1, 0.3), nose, 0.015, 0.015, STEEL), wheel(nose, 0.045, 0.02)])


def wheel(center: Floats, radius: float | Floats, half_width: float | Floats) -> Mesh:
    """Return a dark wheel whose axle lies along y."""
    r, w = (np.atleast_1d(np.asarray(v, np.float32)) for v in (radius, half_width))
    path = stack([center + vec(0, s * w, 0) for s in (-1, -1, 1, 1)])
    scale = [0 * r, r, r, 0 * r]
    tyre = tube(path, stack([vec(s, 0, 0) for s in scale]), stack([vec(0, 0, s) for s in scale]), DARK, sides=9)
    return join([tyre, ellipsoid(center, vec(r * 0.45, w * 1.15, r * 0.45), vec(0.6, 0.6, 0.62), sides=6, stations=4)])


# --- bird -----------------------------------------------------------------------------------------------


def bird(d: Draws) -> Mesh:
    """Songbirds, crows, gulls, geese and herons, flying or perched."""
    coats = [(0.4, 0.28, 0.18), (0.12, 0.12, 0.14), (0.92, 0.92, 0.9), (0.5, 0.52, 0.55), (0.3, 0.35, 0.5), (0.7, 0.35, 0.15)]
    coat, breast = paint(d, coats), paint(d, [*coats, (0.9, 0.85, 0.75), (0.85, 0.4, 0.15)])
    flies, heron = d.flag(0.5), d.flag(0.15)
    thick = np.where(heron, d.uniform(0.17, 0.25), d.uniform(0.24, 0.36)).astype(np.float32)
    xs = [0.62, 0.55, 0.3, 0.0, -0.35, -0.6, -0.65]
    body = tube(*lathe(xs, [0, 0.4, 0.85, 1, 0.75, 0.25, 0], d.uniform(0.9, 1.1), thick, thick, thick * 0), coat, sides=10)
    belly = ellipsoid(vec(0.1, 0, -thick * 0.25), vec(0.45, thick * 0.85, thick * 0.85), breast)
    trunk = join([body, belly, _bird_head(d, coat, thick, heron), _fan(d, coat)])
    folded = both(ellipsoid(vec(-0.15, thick * 0.8, 0.03), vec(0.5, 0.07, thick * 0.65), coat * np.float32(0.75)))
    upright = np.where(flies, d.uniform(-0.25, 0.15), d.uniform(-0.7, -0.3))
    whole = turn(join([trunk, only(flies, _flight(d, coat, thick)), only(~flies, folded)]), 1, upright)
    return join([whole, only(~flies & d.flag(0.75), _bird_legs(d, thick))])


def _bird_head(d: Draws, coat: Floats, thick: Floats, heron: np.ndarray) -> Mesh:
    neck = np.where(heron, d.uniform(0.4, 0.75), d.uniform(0.05, 0.15))
    lift = d.uniform(0.1, 1.1)
    chest = vec(0.48, 0, thick * 0.2)
    head = chest + vec(neck * np.cos(lift), 0, neck * np.sin(lift))
    size = thick * np.where(heron, 0.5, d.uniform(0.5, 0.75)).astype(np.float32)
    crown = np.where(d.flag(0.6)[:, None], coat, any_color(d))
    bill = paint(d, [(0.9, 0.6, 0.1), (0.15, 0.14, 0.13), (0.85, 0.35, 0.1), (0.75, 0.68, 0.5)])
    front = head + vec(size * 0.8, 0, 0)
    beak = limb(front, front + vec(d.uniform(0.1, 0.3), 0, -0.04), size * 0.35, 0.01, bill)
    eye = both(ellipsoid(head + vec(size * 0.5, size * 0.75, size * 0.25), vec(0.045, 0.03, 0.045), DARK, sides=6))
    return join([limb(chest, head, thick * 0.55, size * 0.8, coat), ellipsoid(head, vec(size * 1.1, size, size), crown), beak, eye])


def _fan(d: Draws, coat: Floats) -> Mesh:
    wide, long = d.uniform(0.08, 0.3), d.uniform(0.25, 0.6)
    path = stack([vec(-0.45, 0, 0), vec(-0.45, 0, 0), vec(-0.5 - long, 0, 0.02), vec(-0.5 - long, 0, 0.02)])
    side = stack([vec(0, w, 0) for w in (wide * 0, wide * 0.5, wide, wide * 0)])
    return tube(path, side, stack([vec(0, 0, h) for h in (0, 0.06, 0.02, 0)]), coat * np.float32(0.7), sides=6)


def _flight(d: Draws, coat: Floats, thick: Floats) -> Mesh:
    flap = d.uniform(0.1, 1.1)
    inner, outer = d.uniform(0.35, 0.55), d.uniform(0.45, 0.8)
    chord = d.uniform(0.38, 0.6)
    shoulder = vec(0.12, thick * 0.5, thick * 0.3)
    elbow = shoulder + vec(d.uniform(0.0, 0.2), inner * np.cos(flap), inner * np.sin(flap))
    bend = flap - d.uniform(0.0, 0.7)
    tip = elbow + vec(-d.uniform(0.15, 0.55), outer * np.cos(bend), outer * np.sin(bend))
    dark = coat * d.uniform(0.35, 1.0)[:, None]
    arm = wing(shoulder, elbow, root_chord=chord, tip_chord=chord * 0.95, thickness=0.12, color=coat * np.float32(0.9))
    hand = wing(elbow, tip, root_chord=chord * 0.95, tip_chord=chord * d.uniform(0.1, 0.45), thickness=0.07, color=dark)
    return both(join([arm, hand]))


def _bird_legs(d: Draws, thick: Floats) -> Mesh:
    foot = vec(d.uniform(-0.05, 0.15), thick * 0.4, -thick - d.uniform(0.2, 0.55))
    color = paint(d, [(0.85, 0.5, 0.15), (0.2, 0.18, 0.16), (0.6, 0.5, 0.4)])
    toes = limb(foot + vec(-0.06, 0, 0), foot + vec(0.16, 0, 0), 0.02, 0.015, color)
    return both(join([limb(vec(0, thick * 0.4, -thick * 0.4), foot, 0.035, 0.025, color), toes]))


# --- four legs ------------------------------------------------------------------------------------------


def _trunk(coat: Floats, belly: Floats, length: Floats, thick: Floats, deep: Floats) -> Mesh:
    xs = [0.55, 0.5, 0.3, 0.0, -0.3, -0.5, -0.55]
    ring = [0.0, 0.6, 1.0, 0.92, 0.98, 0.65, 0.0]
    body = tube(*lathe(xs, ring, length, thick, deep, thick * 0), coat, sides=10)
    under = ellipsoid(vec(0, 0, -deep * 0.25), vec(length * 0.42, thick * 0.8, deep * 0.82), belly)
    return join([body, under])


def _legs(d: Draws, coat: Floats, sock: Floats, length: Floats, thick: Floats, leg: Floats, girth: Floats) -> Mesh:
    """Four legs of two parts each, caught in mid-step."""
    parts: list[Mesh] = []
    for x, y in ((0.4, 1), (0.4, -1), (-0.42, 1), (-0.42, -1)):
        swing = d.uniform(-0.45, 0.45)
        hip = vec(x * length, y * thick * 0.6, -thick * 0.3)
        knee = hip + vec(np.sin(swing) * leg * 0.5, 0, -leg * 0.5)
        foot = knee + vec(np.sin(swing * 0.5) * leg * 0.3 - 0.03, 0, -leg * 0.5)
        parts += [limb(hip, knee, girth * 1.5, girth, coat), limb(knee, foot, girth, girth * 0.75, sock)]
        parts += [ellipsoid(foot + vec(girth * 0.5, 0, 0), vec(girth * 1.5, girth, girth * 0.7), sock, sides=6, stations=4)]
    return join(parts)


def _face(
    d: Draws, head: Floats, skull: Floats, snout: Floats, colors: tuple[Floats, Floats], *, narrow: float = 0.55
) -> Mesh:
    """A skull at `head` with a snout along x, a nose and two eyes."""
    coat, muzzle = colors
    drop = d.uniform(0.1, 0.6)
    front = head + vec(skull * 0.5 + snout, 0, -skull * 0.25 - snout * drop)
    root = head + vec(skull * 0.4, 0, -skull * 0.2)
    eye = both(ellipsoid(head + vec(skull * 0.78, skull * 0.48, skull * 0.25), vec(skull, skull, skull) * np.float32(0.17), DARK, sides=6, stations=4))
    nose = ellipsoid(front + vec(skull * narrow * 0.5, 0, skull * 0.1), vec(skull, skull, skull) * np.float32(0.16), DARK, sides=6, stations=4)
    return join(
        [
            ellipsoid(head, vec(skull, skull * 0.9, skull * 0.92), coat),
            limb(root, front, skull * (narrow + 0.1), skull * narrow * 0.8, muzzle, sides=8),
            eye,
            nose,
        ]
    )


def _ears(head: Floats, skull: Floats, spread: Floats, rise: Floats, long: Floats, color: Floats, width: Floats) -> Mesh:
    root = head + vec(-skull * 0.1, skull * 0.55, skull * 0.6)
    return both(limb(root, root + vec(0 * long, long * spread, long * rise), width, width * 0.15, color, sides=5))


_FUR = [(0.12, 0.11, 0.11), (0.92, 0.9, 0.86), (0.82, 0.64, 0.38), (0.86, 0.72, 0.5)]


_CAT = [(0.55, 0.54, 0.53), (0.42, 0.42, 0.44), (0.5, 0.5, 0.52), (0.85, 0.52, 0.2)]


def cat(d: Draws) -> Mesh:
    """House cats: round heads, upright ears, long tails; standing, sitting or close by."""
    coat = paint(d, _CAT)
    light = np.where(d.flag(0.5)[:, None], coat, paint(d, [(0.92, 0.9, 0.86)]))
    thick, leg, length = d.uniform(0.2, 0.27), d.uniform(0.3, 0.45), d.uniform(0.9, 1.15)
    skull = d.uniform(0.21, 0.28)
    sits = d.flag(0.3)
    head = vec(length * np.where(sits, 0.42, 0.58), 0, np.where(sits, 0.62, 0.3) + d.uniform(-0.08, 0.12))
    face = _face(d, head, skull, skull * d.uniform(0.25, 0.45), (coat, light), narrow=0.42)
    ears = _ears(head, skull, d.uniform(0.1, 0.35), d.uniform(0.9, 1.0), skull * d.uniform(0.65, 0.95), coat, skull * 0.38)
    rump = vec(-length * 0.5, 0, 0.05)
    bend = rump + vec(-d.uniform(0.2, 0.4), d.uniform(-0.1, 0.1), d.uniform(0.0, 0.35))
    tail = join([limb(rump, bend, 0.06, 0.055, coat), limb(bend, bend + vec(-d.uniform(-0.1, 0.2), 0, d.uniform(0.25, 0.5)), 0.055, 0.035, coat)])
    body = _posed(d, coat, light, (length, thick, thick * np.float32(1.05), leg), sits, girth=0.062)
    neck = limb(vec(length * 0.35, 0, np.where(sits, 0.35, 0.05)), head, thick * 0.75, skull * 0.7, coat)
    return join([body, tail, neck, face, ears])


def dog(d: Draws) -> Mesh:
    """Dogs of many breeds: long snouts, hanging or upright ears, deep chests."""
    coat = paint(d, _FUR)
    light = np.where(d.flag(0.5)[:, None], coat, paint(d, _FUR))
    thick, leg, length = d.uniform(0.21, 0.28), d.uniform(0.42, 0.65), d.uniform(0.95, 1.15)
    skull = d.uniform(0.18, 0.24)
    sits = d.flag(0.12)
    head = vec(length * np.where(sits, 0.45, 0.68), 0, np.where(sits, 0.7, 0.42) + d.uniform(-0.12, 0.15))
    face = _face(d, head, skull, skull * d.uniform(0.8, 1.5), (coat, light), narrow=0.5)
    hang = d.flag(0.8)
    rise = np.where(hang, d.uniform(-1.0, -0.6), d.uniform(0.7, 1.0))
    ears = _ears(head, skull, np.where(hang, d.uniform(0.3, 0.6), 0.2), rise, skull * d.uniform(0.9, 1.5), coat * d.uniform(0.5, 1.0)[:, None], skull * 0.35)
    rump = vec(-length * 0.5, 0, 0.12)
    tail = limb(rump, rump + vec(-d.uniform(0.05, 0.4), d.uniform(-0.1, 0.1), d.uniform(-0.15, 0.45)), 0.065, 0.035, coat)
    body = _posed(d, coat, light, (length, thick, thick * d.uniform(1.05, 1.3), leg), sits, girth=0.075)
    neck = limb(vec(length * 0.38, 0, np.where(sits, 0.4, 0.08)), head, thick * 0.75, skull * 0.75, coat)
    return join([body, tail, neck, face, ears])


def _posed(
    d: Draws, coat: Floats, light: Floats, size: tuple[Floats, Floats, Floats, Floats], sits: np.ndarray, *, girth: float
) -> Mesh:
    """A trunk on four legs, or sitting up on its haunches."""
    length, thick, deep, leg = size
    width = np.full(len(d), girth, np.float32)
    stands = join([_trunk(coat, light, length, thick, deep), _legs(d, coat, light, length, thick, leg, width)])
    lean = turn(_trunk(coat, light, length, thick, deep), 1, -0.75)
    paw = vec(length * 0.42, thick * 0.4, -0.45)
    front = both(limb(vec(length * 0.3, thick * 0.45, 0.15), paw, width * 1.3, width, light))
    haunch = both(ellipsoid(vec(-length * 0.2, thick * 0.8, -0.32), vec(0.3, 0.12, 0.2), coat))
    return join([only(~sits, stands), only(sits, join([lean, front, haunch]))])


def deer(d: Draws) -> Mesh:
    """Slender legs, raised necks, wide ears; stags with antlers."""
    coat = paint(d, [(0.66, 0.46, 0.28), (0.7, 0.5, 0.32), (0.6, 0.46, 0.34)], 0.05)
    pale = paint(d, [(0.85, 0.78, 0.68)], 0.06)
    thick, leg, length = d.uniform(0.18, 0.24), d.uniform(0.75, 1.0), d.uniform(0.95, 1.2)
    skull = d.uniform(0.12, 0.15)
    grazes = d.flag(0.05)
    head = vec(length * 0.55 + d.uniform(0.15, 0.35), 0, np.where(grazes, d.uniform(-0.6, -0.2), d.uniform(0.45, 0.75)))
    face = _face(d, head, skull, skull * d.uniform(1.3, 1.9), (coat, coat * np.float32(0.85)), narrow=0.5)
    ears = _ears(head, skull, d.uniform(0.7, 1.0), d.uniform(0.2, 0.6), d.uniform(0.18, 0.28), coat, skull * 0.42)
    body = join([_trunk(coat, pale, length, thick, thick * d.uniform(1.05, 1.25)), _legs(d, coat, coat * np.float32(0.85), length, thick, leg, d.uniform(0.035, 0.05))])
    neck = limb(vec(length * 0.42, 0, 0.05), head, thick * 0.75, skull * 0.7, coat)
    rump = ellipsoid(vec(-length * 0.53, 0, 0.05), vec(0.07, 0.1, 0.13), pale)
    antlers = only(d.flag(0.65) & ~grazes, _antlers(d, head, skull))
    return join([body, neck, face, ears, rump, antlers])


def _antlers(d: Draws, head: Floats, skull: Floats) -> Mesh:
    bone = vec(0.62, 0.5, 0.36)
    root = head + vec(-skull * 0.2, skull * 0.4, skull * 0.8)
    fork = root + vec(-0.12, d.uniform(0.12, 0.25), d.uniform(0.2, 0.3))
    tips = [fork + vec(x, y, z) for x, y, z in ((0.15, 0.03, 0.2), (-0.1, 0.1, 0.25), (0.2, 0.1, 0.05))]
    return both(join([limb(root, fork, 0.03, 0.025, bone, sides=5), *(limb(fork, t, 0.025, 0.012, bone, sides=5) for t in tips)]))


def horse(d: Draws) -> Mesh:
    """Deep bodies, thick necks, long heads, manes and hanging tails."""
    coat = paint(d, [(0.4, 0.2, 0.12), (0.24, 0.16, 0.13), (0.5, 0.27, 0.15), (0.34, 0.18, 0.12)], 0.05)
    hair = np.where(d.flag(0.65)[:, None], coat * np.float32(0.35), paint(d, [(0.85, 0.78, 0.62)]))
    thick, leg, length = d.uniform(0.25, 0.32), d.uniform(0.7, 0.95), d.uniform(1.1, 1.35)
    skull = d.uniform(0.15, 0.19)
    grazes = d.flag(0.05)
    head = vec(length * 0.55 + d.uniform(0.25, 0.42), 0, np.where(grazes, d.uniform(-0.5, -0.2), d.uniform(0.45, 0.75)))
    face = _face(d, head, skull, skull * d.uniform(1.7, 2.3), (coat, coat), narrow=0.6)
    ears = _ears(head, skull, d.uniform(0.1, 0.3), d.uniform(0.9, 1.0), d.uniform(0.12, 0.17), coat, skull * 0.28)
    sock = np.where(d.flag(0.3)[:, None], vec(0.9, 0.88, 0.85), coat * np.float32(0.8))
    body = join([_trunk(coat, coat, length, thick, thick * d.uniform(1.05, 1.2)), _legs(d, coat, sock, length, thick, leg, d.uniform(0.055, 0.075))])
    withers = vec(length * 0.36, 0, 0.1)
    neck = limb(withers, head, thick * 0.9, skull * 0.9, coat, sides=8)
    mane = limb(withers + vec(-0.1, 0, thick * 0.8), head + vec(-skull * 0.9, 0, skull * 0.7), 0.07, 0.06, hair)
    rump = vec(-length * 0.54, 0, 0.15)
    dock = rump + vec(-d.uniform(0.1, 0.35), 0, d.uniform(-0.15, 0.05))
    tail = join([limb(rump, dock, 0.06, 0.08, hair), limb(dock, dock + vec(-0.08, 0, -d.uniform(0.35, 0.65)), 0.09, 0.05, hair)])
    return join([body, neck, mane, face, ears, tail])


def frog(d: Draws) -> Mesh:
    """Squat bodies, wide mouths, eyes on top, folded hind legs."""
    skin = paint(d, [(0.3, 0.55, 0.15), (0.4, 0.6, 0.25), (0.45, 0.38, 0.22), (0.3, 0.32, 0.2), (0.6, 0.5, 0.3), (0.75, 0.3, 0.12)])
    pale = paint(d, [(0.85, 0.85, 0.65), (0.7, 0.75, 0.5)])
    wide, high = d.uniform(0.42, 0.58), d.uniform(0.28, 0.42)
    body = turn(ellipsoid(vec(-0.1, 0, 0), vec(0.75, wide, high), skin, sides=10, stations=8), 1, -d.uniform(0.1, 0.5))
    lift = d.uniform(0.12, 0.3)
    head = vec(0.5, 0, lift)
    face = ellipsoid(head, vec(0.4, wide * 0.85, high * 0.75), skin, sides=10)
    chin = ellipsoid(head + vec(0.05, 0, -high * 0.3), vec(0.36, wide * 0.78, high * 0.55), pale, sides=10)
    spot = head + vec(0.08, wide * 0.5, high * 0.65)
    eye = both(join([ellipsoid(spot, vec(0.13, 0.12, 0.13), skin * np.float32(0.8)), ellipsoid(spot + vec(0.06, 0.05, 0.03), vec(0.08, 0.08, 0.08), DARK, sides=6)]))
    knee = vec(-0.05 + d.uniform(-0.1, 0.1), wide + d.uniform(0.15, 0.35), d.uniform(-0.05, 0.15))
    heel = vec(-0.6, wide + d.uniform(0.0, 0.2), -high * 0.8)
    toes = heel + vec(0.5, d.uniform(0.05, 0.25), -0.05)
    hind = [limb(vec(-0.55, wide * 0.4, 0), knee, 0.2, 0.13, skin), limb(knee, heel, 0.12, 0.08, skin), limb(heel, toes, 0.07, 0.1, skin)]
    hand = vec(0.55, wide * 0.9, -high - 0.05)
    arm = [limb(vec(0.3, wide * 0.7, 0), hand, 0.12, 0.08, skin), ellipsoid(hand + vec(0.08, 0.03, 0), vec(0.16, 0.1, 0.05), skin)]
    return join([body, face, chin, eye, both(join([*hind, *arm]))])


# --- on wheels, on water --------------------------------------------------------------------------------

_CAR = [(0.8, 0.12, 0.1), (0.15, 0.25, 0.6), (0.9, 0.9, 0.9), (0.12, 0.12, 0.14), (0.6, 0.62, 0.65), (0.85, 0.7, 0.15), (0.15, 0.4, 0.3)]


def automobile(d: Draws) -> Mesh:
    """Saloons, hatchbacks, estates and low sports cars."""
    color = paint(d, _CAR)
    wide, low, tall = d.uniform(0.36, 0.44), d.uniform(0.15, 0.22), d.uniform(0.15, 0.24)
    body = box(vec(0, 0, 0), vec(0.95, wide, low), color, taper_x=d.uniform(0.9, 0.98), taper_y=0.9)
    long, at = d.uniform(0.42, 0.66), d.uniform(-0.3, 0.02)
    slope = d.uniform(0.6, 0.85)
    glass = box(vec(at, 0, low + tall * 0.9), vec(long, wide * 0.86, tall), GLASS, taper_x=slope, taper_y=0.82)
    roof = box(vec(at, 0, low + tall * 1.9), vec(long * slope, wide * 0.72, 0.035), color, taper_x=0.9, taper_y=0.9)
    pillar = both(box(vec(at, wide * 0.76, low + tall * 0.9), vec(0.035, 0.05, tall), color))
    r = d.uniform(0.16, 0.21)
    wheels = both(join([wheel(vec(x, wide * 0.95, -low * 0.8), r, 0.07) for x in (0.58, -0.58)]))
    lamps = both(box(vec(0.93, wide * 0.65, low * 0.25), vec(0.04, 0.09, 0.05), vec(1, 0.95, 0.8)))
    rear = both(box(vec(-0.93, wide * 0.7, low * 0.3), vec(0.04, 0.09, 0.05), vec(0.7, 0.05, 0.05)))
    grill = box(vec(0.94, 0, -low * 0.2), vec(0.03, wide * 0.45, 0.06), DARK)
    return join([body, only(d.flag(0.9), join([glass, roof, pillar])), wheels, lamps, rear, grill])


def truck(d: Draws) -> Mesh:
    """Box trucks, tankers, flatbeds and pickups, with a tall cab in front."""
    color = paint(d, _CAR)
    load = np.where(d.flag(0.5)[:, None], paint(d, [(0.9, 0.9, 0.9), (0.7, 0.7, 0.7)]), any_color(d))
    wide, cab_high = d.uniform(0.3, 0.38), d.uniform(0.26, 0.38)
    cab_long = d.uniform(0.2, 0.32)
    front = 0.98 - cab_long
    cab = box(vec(front, 0, cab_high), vec(cab_long, wide, cab_high), color, taper_x=d.uniform(0.7, 1.0), taper_y=0.95)
    screen = box(vec(front + 0.03, 0, cab_high * 1.4), vec(cab_long * 0.98, wide * 0.9, cab_high * 0.3), GLASS, taper_x=0.85)
    windows = both(box(vec(front, wide * 0.96, cab_high * 1.4), vec(cab_long * 0.5, 0.03, cab_high * 0.28), GLASS))
    bonnet = only(d.flag(0.35), box(vec(1.08, 0, cab_high * 0.5), vec(0.22, wide * 0.85, cab_high * 0.5), color))
    back = 0.98 - 2 * cab_long - 0.04
    half = (back + d.uniform(0.75, 1.15)) / 2
    center = vec(back - half, 0, 0)
    kind = d.pick([5, 2, 2, 1.5])  # box, tanker, flatbed, pickup
    high = np.where(kind == 0, d.uniform(0.32, 0.5), np.where(kind == 2, 0.06, 0.18)).astype(np.float32)
    cargo = only(kind != 1, box(center + vec(0, 0, high + 0.05), vec(half, wide, high), load))
    tank = only(kind == 1, ellipsoid(center + vec(0, 0, 0.32), vec(half * 1.05, wide * 0.95, 0.3), load, sides=10, stations=8))
    r = d.uniform(0.13, 0.17)
    chassis = box(center + vec(cab_long, 0, -0.02), vec(half + cab_long, wide * 0.6, 0.05), DARK)
    at = [front - 0.02, back - half * 0.8, back - half * 1.6]
    wheels = both(join([wheel(vec(x, wide * 0.9, -0.08), r, 0.07) for x in at]))
    lamps = both(box(vec(0.99, wide * 0.7, 0.1), vec(0.03, 0.06, 0.05), vec(1, 0.95, 0.8)))
    return join([cab, screen, windows, bonnet, cargo, tank, chassis, wheels, lamps])


def ship(d: Draws) -> Mesh:
    """Freighters, liners, trawlers and sailing boats."""
    hull = paint(d, [(0.15, 0.2, 0.35), (0.6, 0.12, 0.1), (0.1, 0.1, 0.12), (0.92, 0.92, 0.92), (0.45, 0.48, 0.5), (0.2, 0.4, 0.35)])
    white = paint(d, [(0.92, 0.92, 0.9), (0.8, 0.8, 0.78), (0.55, 0.58, 0.6)], 0.05)
    wide, deep = d.uniform(0.16, 0.28), d.uniform(0.1, 0.2)
    kind = d.pick([3, 2, 2, 2.5])  # freighter, liner, trawler or warship, sailing boat
    at = np.where(kind == 0, -0.65, np.where(kind == 1, -0.05, d.uniform(-0.4, 0.3)))
    long = np.where(kind == 1, 0.7, d.uniform(0.16, 0.3)).astype(np.float32)
    tower = [
        box(vec(at, 0, deep + step * 0.16 + 0.08), vec(long * (1 - 0.22 * step), wide * (0.85 - 0.12 * step), 0.08), white)
        for step in range(3)
    ]
    bands = [both(box(vec(at, wide * (0.86 - 0.12 * s), deep + s * 0.16 + 0.09), vec(long * (0.9 - 0.22 * s), 0.006, 0.025), GLASS)) for s in range(2)]
    funnel = limb(vec(at - 0.1, 0, deep + 0.4), vec(at - 0.13, 0, deep + d.uniform(0.6, 0.75)), 0.07, 0.07, any_color(d))
    mast = limb(vec(at + 0.1, 0, deep), vec(at + 0.1, 0, deep + d.uniform(0.6, 0.9)), 0.018, 0.01, STEEL, sides=5)
    return join(
        [
            _hull(d, hull, wide, deep),
            only(kind != 3, join([*tower, *bands, funnel, mast])),
            only(kind == 0, _containers(d, wide, deep)),
            only(kind == 3, _sails(d, deep)),
        ]
    )


def _hull(d: Draws, color: Floats, wide: Floats, deep: Floats) -> Mesh:
    xs = [1.0, 1.0, 0.7, 0.4, -0.8, -0.95, -0.95]
    ring = [0.0, 0.06, 0.62, 1.0, 1.0, 0.8, 0.0]
    sheer = d.uniform(0.02, 0.15)
    root2 = np.float32(np.sqrt(2))
    path = stack([vec(x, 0, sheer * max(0.0, x) ** 2) for x in xs])
    side = stack([vec(0, r * wide * root2, 0) for r in ring])
    up = stack([vec(0, 0, (deep if r else deep * 0) * root2) for r in ring])
    deck = box(vec(-0.1, 0, deep), vec(0.75, wide * 0.92, 0.012), vec(0.55, 0.42, 0.3))
    return join([tube(path, side, up, color, sides=4, flat=True), deck])


def _containers(d: Draws, wide: Floats, deep: Floats) -> Mesh:
    piles = []
    for x in (-0.32, -0.05, 0.22, 0.5):
        high = d.uniform(0.05, 0.17)
        piles.append(box(vec(x, 0, deep + high), vec(0.12, wide * 0.8, high), any_color(d)))
    return join(piles)


def _sails(d: Draws, deep: Floats) -> Mesh:
    at, high = d.uniform(-0.1, 0.15), d.uniform(1.2, 1.7)
    cloth = paint(d, [(0.95, 0.94, 0.9), (0.95, 0.94, 0.9), (0.8, 0.25, 0.2), (0.3, 0.35, 0.6)])
    foot, top = vec(at, 0, deep + 0.12), vec(at, 0, deep + high)
    main = wing(foot + vec(-0.3, 0.03, 0), top + vec(-0.02, 0, 0), root_chord=0.58, tip_chord=0.03, thickness=0.05, color=cloth)
    jib = wing(foot + vec(0.32, -0.02, 0), top + vec(0.03, 0, -0.15), root_chord=0.5, tip_chord=0.03, thickness=0.05, color=cloth)
    return join([limb(vec(at, 0, deep), top, 0.02, 0.012, STEEL, sides=5), main, jib])


BODIES: dict[str, Callable[[Draws], Mesh]] = {
    "airplane": airplane,
    "automobile": automobile,
    "bird": bird,
    "cat": cat,
    "deer": deer,
    "dog": dog,
    "frog": frog,
    "horse": horse,
    "ship": ship,
    "truck": truck,
}
