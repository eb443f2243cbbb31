"""Frogs."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import DARK, both, paint
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Mesh,
    ellipsoid,
    join,
    limb,
    turn,
    vec,
)


def frog(d: Draws) -> Mesh:
    """Squat bodies, wide mouths, eyes on top, folded hind legs."""
    skin = paint(
        d,
        [
            (0.3, 0.55, 0.15),
            (0.4, 0.6, 0.25),
            (0.45, 0.38, 0.22),
            (0.3, 0.32, 0.2),
            (0.6, 0.5, 0.3),
            (0.75, 0.3, 0.12),
        ],
    )
    pale = paint(d, [(0.85, 0.85, 0.65), (0.7, 0.75, 0.5)])
    wide, high = d.uniform(0.42, 0.58), d.uniform(0.28, 0.42)
    body = turn(
        ellipsoid(vec(-0.1, 0, 0), vec(0.75, wide, high), skin, sides=10, stations=8), 1, -d.uniform(0.1, 0.5)
    )
    lift = d.uniform(0.12, 0.3)
    head = vec(0.5, 0, lift)
    face = ellipsoid(head, vec(0.4, wide * 0.85, high * 0.75), skin, sides=10)
    chin = ellipsoid(head + vec(0.05, 0, -high * 0.3), vec(0.36, wide * 0.78, high * 0.55), pale, sides=10)
    spot = head + vec(0.08, wide * 0.5, high * 0.65)
    eye = both(
        join(
            [
                ellipsoid(spot, vec(0.13, 0.12, 0.13), skin * np.float32(0.8)),
                ellipsoid(spot + vec(0.06, 0.05, 0.03), vec(0.08, 0.08, 0.08), DARK, sides=6),
            ]
        )
    )
    knee = vec(-0.05 + d.uniform(-0.1, 0.1), wide + d.uniform(0.15, 0.35), d.uniform(-0.05, 0.15))
    heel = vec(-0.6, wide + d.uniform(0.0, 0.2), -high * 0.8)
    toes = heel + vec(0.5, d.uniform(0.05, 0.25), -0.05)
    hind = [
        limb(vec(-0.55, wide * 0.4, 0), knee, 0.2, 0.13, skin),
        limb(knee, heel, 0.12, 0.08, skin),
        limb(heel, toes, 0.07, 0.1, skin),
    ]
    hand = vec(0.55, wide * 0.9, -high - 0.05)
    arm = [
        limb(vec(0.3, wide * 0.7, 0), hand, 0.12, 0.08, skin),
        ellipsoid(hand + vec(0.08, 0.03, 0), vec(0.16, 0.1, 0.05), skin),
    ]
    return join([body, face, chin, eye, both(join([*hind, *arm]))])
