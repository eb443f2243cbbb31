"""Birds, flying or perched."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import DARK, any_color, both, lathe, paint
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Floats,
    Mask,
    Mesh,
    ellipsoid,
    join,
    limb,
    only,
    stack,
    tube,
    turn,
    vec,
    wing,
)


def bird(d: Draws) -> Mesh:
    """Songbirds, crows, gulls, geese and herons, flying or perched."""
    coats = [(0.42, 0.27, 0.15), (0.34, 0.22, 0.14), (0.6, 0.32, 0.12), (0.16, 0.2, 0.34), (0.85, 0.83, 0.78)]
    coat, breast = paint(d, coats, 0.05), paint(d, [(0.88, 0.72, 0.5), (0.8, 0.45, 0.2)], 0.05)
    flies, heron = d.flag(0.4), d.flag(0.1)
    thick = np.where(heron, d.uniform(0.17, 0.25), d.uniform(0.28, 0.36)).astype(np.float32)
    xs = [0.62, 0.55, 0.3, 0.0, -0.35, -0.6, -0.65]
    body = tube(
        *lathe(xs, [0, 0.4, 0.85, 1, 0.75, 0.25, 0], d.uniform(0.9, 1.1), thick, thick, thick * 0),
        coat,
        sides=10,
    )
    belly = ellipsoid(vec(0.1, 0, -thick * 0.25), vec(0.45, thick * 0.85, thick * 0.85), breast)
    trunk = join([body, belly, _bird_head(d, coat, thick, heron), _fan(d, coat)])
    folded = both(
        ellipsoid(vec(-0.15, thick * 0.8, 0.03), vec(0.5, 0.07, thick * 0.65), coat * np.float32(0.75))
    )
    upright = np.where(flies, d.uniform(-0.25, 0.15), d.uniform(-0.7, -0.3))
    whole = turn(join([trunk, only(flies, _flight(d, coat, thick)), only(~flies, folded)]), 1, upright)
    return join([whole, only(~flies & d.flag(0.75), _bird_legs(d, thick))])


def _bird_head(d: Draws, coat: Floats, thick: Floats, heron: Mask) -> Mesh:
    neck = np.where(heron, d.uniform(0.4, 0.75), d.uniform(0.05, 0.15))
    lift = d.uniform(0.1, 1.1)
    chest = vec(0.48, 0, thick * 0.2)
    head = chest + vec(neck * np.cos(lift), 0, neck * np.sin(lift))
    size = thick * np.where(heron, 0.5, d.uniform(0.5, 0.75)).astype(np.float32)
    crown = np.where(d.flag(0.8)[:, None], coat, any_color(d))
    bill = paint(d, [(0.9, 0.6, 0.1), (0.85, 0.4, 0.1)])
    front = head + vec(size * 0.8, 0, 0)
    beak = limb(front, front + vec(d.uniform(0.1, 0.3), 0, -0.04), size * 0.35, 0.01, bill)
    eye = both(
        ellipsoid(head + vec(size * 0.5, size * 0.75, size * 0.25), vec(0.045, 0.03, 0.045), DARK, sides=6)
    )
    return join(
        [
            limb(chest, head, thick * 0.55, size * 0.8, coat),
            ellipsoid(head, vec(size * 1.1, size, size), crown),
            beak,
            eye,
        ]
    )


def _fan(d: Draws, coat: Floats) -> Mesh:
    wide, long = d.uniform(0.08, 0.3), d.uniform(0.25, 0.6)
    path = stack([vec(-0.45, 0, 0), vec(-0.45, 0, 0), vec(-0.5 - long, 0, 0.02), vec(-0.5 - long, 0, 0.02)])
    side = stack([vec(0, w, 0) for w in (wide * 0, wide * 0.5, wide, wide * 0)])
    return tube(
        path, side, stack([vec(0, 0, h) for h in (0, 0.06, 0.02, 0)]), coat * np.float32(0.7), sides=6
    )


def _flight(d: Draws, coat: Floats, thick: Floats) -> Mesh:
    flap = d.uniform(0.1, 1.1)
    inner, outer = d.uniform(0.35, 0.55), d.uniform(0.45, 0.8)
    chord = d.uniform(0.38, 0.6)
    shoulder = vec(0.12, thick * 0.5, thick * 0.3)
    elbow = shoulder + vec(d.uniform(0.0, 0.2), inner * np.cos(flap), inner * np.sin(flap))
    bend = flap - d.uniform(0.0, 0.7)
    tip = elbow + vec(-d.uniform(0.15, 0.55), outer * np.cos(bend), outer * np.sin(bend))
    dark = coat * d.uniform(0.35, 0.8)[:, None]
    arm = wing(
        shoulder,
        elbow,
        root_chord=chord,
        tip_chord=chord * 0.95,
        thickness=0.12,
        color=coat * np.float32(0.9),
    )
    hand = wing(
        elbow,
        tip,
        root_chord=chord * 0.95,
        tip_chord=chord * d.uniform(0.1, 0.45),
        thickness=0.07,
        color=dark,
    )
    return both(join([arm, hand]))


def _bird_legs(d: Draws, thick: Floats) -> Mesh:
    foot = vec(d.uniform(-0.05, 0.15), thick * 0.4, -thick - d.uniform(0.2, 0.55))
    color = paint(d, [(0.85, 0.5, 0.15), (0.2, 0.18, 0.16), (0.6, 0.5, 0.4)])
    toes = limb(foot + vec(-0.06, 0, 0), foot + vec(0.16, 0, 0), 0.02, 0.015, color)
    return both(join([limb(vec(0, thick * 0.4, -thick * 0.4), foot, 0.035, 0.025, color), toes]))
