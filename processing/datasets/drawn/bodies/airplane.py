"""Airliners, light planes, gliders, fighters and twin booms."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import DARK, GLASS, STEEL, any_color, both, lathe, paint, wheel
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Floats,
    Indices,
    Mask,
    Mesh,
    box,
    ellipsoid,
    join,
    limb,
    mirror,
    only,
    shift,
    tube,
    turn,
    vec,
    wing,
)


def airplane(d: Draws) -> Mesh:
    """Airliners, light planes, gliders, fighters and twin booms."""
    skin = paint(
        d, [(0.93, 0.93, 0.94)] * 5 + [(0.7, 0.72, 0.75)] * 2 + [(0.35, 0.4, 0.38), (0.85, 0.2, 0.15)]
    )
    accent = np.where(d.flag(0.5)[:, None], skin, any_color(d))
    kind = d.pick([4, 3, 0.8, 0.8, 1.5])  # airliner, light plane, glider, fighter, twin boom
    booms = kind == 4
    radius = np.array([0.12, 0.14, 0.08, 0.10, 0.13], np.float32)[kind] * d.uniform(0.85, 1.2)
    reach = np.array([0.95, 1.0, 1.35, 0.6, 1.1], np.float32)[kind] * d.uniform(0.85, 1.15)
    sweep = np.array([0.5, 0.0, 0.0, 0.65, 0.08], np.float32)[kind] * d.uniform(0.7, 1.2) + d.uniform(
        -0.06, 0.1
    )
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
        vec(d.uniform(0.5, 0.75), 0, radius * 0.62),
        vec(d.uniform(0.1, 0.22), radius * 0.75, radius * 0.65),
        GLASS,
    )
    stripe = box(
        vec(0.1, 0, radius * 0.2),
        vec(0.6, radius * 1.01, 0.018),
        np.where(d.flag(0.5)[:, None], GLASS, accent),
    )
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


def _tail(d: Draws, skin: Floats, accent: Floats, radius: Floats, booms: Mask) -> Mesh:
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


def _booms(d: Draws, skin: Floats, accent: Floats, booms: Mask) -> Mesh:
    y, r = d.uniform(0.22, 0.38), d.uniform(0.035, 0.06)
    boom = limb(vec(0.25, y, 0), vec(-1.0, y, 0.05), r, r * 0.6, skin)
    fin = wing(
        vec(-0.9, y, 0.0),
        vec(-1.0, y, d.uniform(0.22, 0.34)),
        root_chord=0.25,
        tip_chord=0.15,
        thickness=0.12,
        color=accent,
    )
    bridge = both(
        wing(
            vec(-0.95, 0, 0.06),
            vec(-0.95, y * 1.05, 0.06),
            root_chord=0.18,
            tip_chord=0.18,
            thickness=0.1,
            color=skin,
        )
    )
    return only(booms, join([both(join([boom, fin])), bridge]))


def _engines(
    d: Draws, kind: Indices, at: Floats, reach: Floats, sweep: Floats, radius: Floats, color: Floats
) -> Mesh:
    out = d.uniform(0.28, 0.42) * reach
    hung = at + vec(0.2 - sweep * out, out, -0.06)
    size = d.uniform(0.045, 0.075)
    hull = np.where(d.flag(0.5)[:, None], vec(0.85, 0.85, 0.87), color)
    on_wing = both(limb(hung, hung + vec(-0.28, 0, 0), size, size * 0.8, hull, sides=8))
    rear_at = vec(-0.4, radius + size, radius * 0.5)
    at_rear = both(limb(rear_at, rear_at + vec(-0.3, 0, 0), size, size * 0.8, hull, sides=8))
    where = np.where(
        kind == 0, d.pick([3, 1]), np.where(kind == 1, 2 + d.pick([2.5, 1]), 2 + 2 * d.pick([1, 1]))
    )
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
