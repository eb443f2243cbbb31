"""Ships and sailing boats."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import GLASS, STEEL, any_color, both, paint
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Floats,
    Mesh,
    box,
    join,
    limb,
    only,
    stack,
    tube,
    vec,
    wing,
)


def ship(d: Draws) -> Mesh:
    """Freighters, liners, trawlers and sailing boats."""
    hull = paint(
        d,
        [
            (0.15, 0.2, 0.35),
            (0.6, 0.12, 0.1),
            (0.1, 0.1, 0.12),
            (0.92, 0.92, 0.92),
            (0.45, 0.48, 0.5),
            (0.2, 0.4, 0.35),
        ],
    )
    white = paint(d, [(0.92, 0.92, 0.9), (0.8, 0.8, 0.78), (0.55, 0.58, 0.6)], 0.05)
    wide, deep = d.uniform(0.16, 0.28), d.uniform(0.1, 0.2)
    kind = d.pick([3, 2, 2, 2.5])  # freighter, liner, trawler or warship, sailing boat
    at = np.where(kind == 0, -0.65, np.where(kind == 1, -0.05, d.uniform(-0.4, 0.3)))
    long = np.where(kind == 1, 0.7, d.uniform(0.16, 0.3)).astype(np.float32)
    tower = [
        box(
            vec(at, 0, deep + step * 0.16 + 0.08),
            vec(long * (1 - 0.22 * step), wide * (0.85 - 0.12 * step), 0.08),
            white,
        )
        for step in range(3)
    ]
    bands = [
        both(
            box(
                vec(at, wide * (0.86 - 0.12 * s), deep + s * 0.16 + 0.09),
                vec(long * (0.9 - 0.22 * s), 0.006, 0.025),
                GLASS,
            )
        )
        for s in range(2)
    ]
    funnel = limb(
        vec(at - 0.1, 0, deep + 0.4), vec(at - 0.13, 0, deep + d.uniform(0.6, 0.75)), 0.07, 0.07, any_color(d)
    )
    mast = limb(
        vec(at + 0.1, 0, deep), vec(at + 0.1, 0, deep + d.uniform(0.6, 0.9)), 0.018, 0.01, STEEL, sides=5
    )
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
    main = wing(
        foot + vec(-0.3, 0.03, 0),
        top + vec(-0.02, 0, 0),
        root_chord=0.58,
        tip_chord=0.03,
        thickness=0.05,
        color=cloth,
    )
    jib = wing(
        foot + vec(0.32, -0.02, 0),
        top + vec(0.03, 0, -0.15),
        root_chord=0.5,
        tip_chord=0.03,
        thickness=0.05,
        color=cloth,
    )
    return join([limb(vec(at, 0, deep), top, 0.02, 0.012, STEEL, sides=5), main, jib])
