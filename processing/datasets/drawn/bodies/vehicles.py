"""Automobiles and trucks."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import DARK, GLASS, any_color, both, paint, wheel
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Mesh,
    box,
    ellipsoid,
    join,
    only,
    vec,
)

_CAR = [
    (0.8, 0.12, 0.1),
    (0.15, 0.25, 0.6),
    (0.9, 0.9, 0.9),
    (0.12, 0.12, 0.14),
    (0.6, 0.62, 0.65),
    (0.85, 0.7, 0.15),
    (0.15, 0.4, 0.3),
]


def automobile(d: Draws) -> Mesh:
    """Saloons, hatchbacks, estates and low sports cars."""
    color = paint(d, _CAR)
    wide, low, tall = d.uniform(0.36, 0.44), d.uniform(0.15, 0.22), d.uniform(0.15, 0.24)
    body = box(vec(0, 0, 0), vec(0.95, wide, low), color, taper_x=d.uniform(0.9, 0.98), taper_y=0.9)
    long, at = d.uniform(0.42, 0.66), d.uniform(-0.3, 0.02)
    slope = d.uniform(0.6, 0.85)
    glass = box(
        vec(at, 0, low + tall * 0.9), vec(long, wide * 0.86, tall), GLASS, taper_x=slope, taper_y=0.82
    )
    roof = box(
        vec(at, 0, low + tall * 1.9), vec(long * slope, wide * 0.72, 0.035), color, taper_x=0.9, taper_y=0.9
    )
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
    cab = box(
        vec(front, 0, cab_high),
        vec(cab_long, wide, cab_high),
        color,
        taper_x=d.uniform(0.7, 1.0),
        taper_y=0.95,
    )
    screen = box(
        vec(front + 0.03, 0, cab_high * 1.4),
        vec(cab_long * 0.98, wide * 0.9, cab_high * 0.3),
        GLASS,
        taper_x=0.85,
    )
    windows = both(
        box(vec(front, wide * 0.96, cab_high * 1.4), vec(cab_long * 0.5, 0.03, cab_high * 0.28), GLASS)
    )
    bonnet = only(
        d.flag(0.35), box(vec(1.08, 0, cab_high * 0.5), vec(0.22, wide * 0.85, cab_high * 0.5), color)
    )
    back = 0.98 - 2 * cab_long - 0.04
    half = (back + d.uniform(0.75, 1.15)) / 2
    center = vec(back - half, 0, 0)
    kind = d.pick([5, 2, 2, 1.5])  # box, tanker, flatbed, pickup
    high = np.where(kind == 0, d.uniform(0.32, 0.5), np.where(kind == 2, 0.06, 0.18)).astype(np.float32)
    cargo = only(kind != 1, box(center + vec(0, 0, high + 0.05), vec(half, wide, high), load))
    tank = only(
        kind == 1,
        ellipsoid(center + vec(0, 0, 0.32), vec(half * 1.05, wide * 0.95, 0.3), load, sides=10, stations=8),
    )
    r = d.uniform(0.13, 0.17)
    chassis = box(center + vec(cab_long, 0, -0.02), vec(half + cab_long, wide * 0.6, 0.05), DARK)
    at = [front - 0.02, back - half * 0.8, back - half * 1.6]
    wheels = both(join([wheel(vec(x, wide * 0.9, -0.08), r, 0.07) for x in at]))
    lamps = both(box(vec(0.99, wide * 0.7, 0.1), vec(0.03, 0.06, 0.05), vec(1, 0.95, 0.8)))
    return join([cab, screen, windows, bonnet, cargo, tank, chassis, wheels, lamps])
