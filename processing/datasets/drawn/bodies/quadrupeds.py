"""Cats, dogs, deer and horses: one plan of body, four sets of proportions."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.bodies.parts import DARK, both, lathe, paint
from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Floats,
    Mask,
    Mesh,
    ellipsoid,
    join,
    limb,
    only,
    tube,
    turn,
    vec,
)


def _trunk(coat: Floats, belly: Floats, length: Floats, thick: Floats, deep: Floats) -> Mesh:
    xs = [0.55, 0.5, 0.3, 0.0, -0.3, -0.5, -0.55]
    ring = [0.0, 0.6, 1.0, 0.92, 0.98, 0.65, 0.0]
    body = tube(*lathe(xs, ring, length, thick, deep, thick * 0), coat, sides=10)
    under = ellipsoid(vec(0, 0, -deep * 0.25), vec(length * 0.42, thick * 0.8, deep * 0.82), belly)
    return join([body, under])


def _legs(
    d: Draws, coat: Floats, sock: Floats, length: Floats, thick: Floats, leg: Floats, girth: Floats
) -> Mesh:
    """Four legs of two parts each, caught in mid-step."""
    parts: list[Mesh] = []
    for x, y in ((0.4, 1), (0.4, -1), (-0.42, 1), (-0.42, -1)):
        swing = d.uniform(-0.45, 0.45)
        hip = vec(x * length, y * thick * 0.6, -thick * 0.3)
        knee = hip + vec(np.sin(swing) * leg * 0.5, 0, -leg * 0.5)
        foot = knee + vec(np.sin(swing * 0.5) * leg * 0.3 - 0.03, 0, -leg * 0.5)
        parts += [limb(hip, knee, girth * 1.5, girth, coat), limb(knee, foot, girth, girth * 0.75, sock)]
        parts += [
            ellipsoid(
                foot + vec(girth * 0.5, 0, 0), vec(girth * 1.5, girth, girth * 0.7), sock, sides=6, stations=4
            )
        ]
    return join(parts)


def _face(
    d: Draws,
    head: Floats,
    skull: Floats,
    snout: Floats,
    colors: tuple[Floats, Floats],
    *,
    narrow: float = 0.55,
) -> Mesh:
    """A skull at `head` with a snout along x, a nose and two eyes."""
    coat, muzzle = colors
    drop = d.uniform(0.1, 0.6)
    front = head + vec(skull * 0.5 + snout, 0, -skull * 0.25 - snout * drop)
    root = head + vec(skull * 0.4, 0, -skull * 0.2)
    eye = both(
        ellipsoid(
            head + vec(skull * 0.78, skull * 0.48, skull * 0.25),
            vec(skull, skull, skull) * np.float32(0.17),
            DARK,
            sides=6,
            stations=4,
        )
    )
    nose = ellipsoid(
        front + vec(skull * narrow * 0.5, 0, skull * 0.1),
        vec(skull, skull, skull) * np.float32(0.16),
        DARK,
        sides=6,
        stations=4,
    )
    return join(
        [
            ellipsoid(head, vec(skull, skull * 0.9, skull * 0.92), coat),
            limb(root, front, skull * (narrow + 0.1), skull * narrow * 0.8, muzzle, sides=8),
            eye,
            nose,
        ]
    )


def _ears(
    head: Floats, skull: Floats, spread: Floats, rise: Floats, long: Floats, color: Floats, width: Floats
) -> Mesh:
    root = head + vec(-skull * 0.1, skull * 0.55, skull * 0.6)
    return both(
        limb(root, root + vec(0 * long, long * spread, long * rise), width, width * 0.15, color, sides=5)
    )


_FUR = [(0.12, 0.11, 0.11), (0.92, 0.9, 0.86), (0.88, 0.78, 0.58)]


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
    ears = _ears(
        head,
        skull,
        d.uniform(0.1, 0.35),
        d.uniform(0.9, 1.0),
        skull * d.uniform(0.65, 0.95),
        coat,
        skull * 0.38,
    )
    rump = vec(-length * 0.5, 0, 0.05)
    bend = rump + vec(-d.uniform(0.2, 0.4), d.uniform(-0.1, 0.1), d.uniform(0.0, 0.35))
    tail = join(
        [
            limb(rump, bend, 0.06, 0.055, coat),
            limb(bend, bend + vec(-d.uniform(-0.1, 0.2), 0, d.uniform(0.25, 0.5)), 0.055, 0.035, coat),
        ]
    )
    body = _posed(d, coat, light, (length, thick, thick * np.float32(1.05), leg), sits, girth=0.062)
    neck = limb(vec(length * 0.35, 0, np.where(sits, 0.35, 0.05)), head, thick * 0.75, skull * 0.7, coat)
    return join([body, tail, neck, face, ears])


def dog(d: Draws) -> Mesh:
    """Dogs of many breeds: long snouts, hanging or upright ears, deep chests."""
    coat = paint(d, _FUR)
    light = np.where(d.flag(0.5)[:, None], coat, paint(d, _FUR))
    thick, leg, length = d.uniform(0.21, 0.28), d.uniform(0.42, 0.65), d.uniform(0.95, 1.15)
    skull = d.uniform(0.18, 0.24)
    sits = d.flag(0.08)
    head = vec(length * np.where(sits, 0.45, 0.68), 0, np.where(sits, 0.7, 0.42) + d.uniform(-0.12, 0.15))
    face = _face(d, head, skull, skull * d.uniform(0.8, 1.5), (coat, light), narrow=0.5)
    hang = d.flag(0.8)
    rise = np.where(hang, d.uniform(-1.0, -0.6), d.uniform(0.7, 1.0))
    ears = _ears(
        head,
        skull,
        np.where(hang, d.uniform(0.3, 0.6), 0.2),
        rise,
        skull * d.uniform(0.9, 1.5),
        coat * d.uniform(0.5, 1.0)[:, None],
        skull * 0.35,
    )
    rump = vec(-length * 0.5, 0, 0.12)
    tail = limb(
        rump,
        rump + vec(-d.uniform(0.05, 0.4), d.uniform(-0.1, 0.1), d.uniform(-0.15, 0.45)),
        0.065,
        0.035,
        coat,
    )
    body = _posed(d, coat, light, (length, thick, thick * d.uniform(1.05, 1.3), leg), sits, girth=0.075)
    neck = limb(vec(length * 0.38, 0, np.where(sits, 0.4, 0.08)), head, thick * 0.75, skull * 0.75, coat)
    return join([body, tail, neck, face, ears])


def _posed(
    d: Draws,
    coat: Floats,
    light: Floats,
    size: tuple[Floats, Floats, Floats, Floats],
    sits: Mask,
    *,
    girth: float,
) -> Mesh:
    """A trunk on four legs, or sitting up on its haunches."""
    length, thick, deep, leg = size
    width = np.full(len(d), girth, np.float32)
    stands = join(
        [_trunk(coat, light, length, thick, deep), _legs(d, coat, light, length, thick, leg, width)]
    )
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
    head = vec(
        length * 0.55 + d.uniform(0.15, 0.35),
        0,
        np.where(grazes, d.uniform(-0.6, -0.2), d.uniform(0.45, 0.75)),
    )
    face = _face(d, head, skull, skull * d.uniform(1.3, 1.9), (coat, coat * np.float32(0.85)), narrow=0.5)
    ears = _ears(
        head, skull, d.uniform(0.7, 1.0), d.uniform(0.2, 0.6), d.uniform(0.18, 0.28), coat, skull * 0.42
    )
    body = join(
        [
            _trunk(coat, pale, length, thick, thick * d.uniform(1.05, 1.25)),
            _legs(d, coat, coat * np.float32(0.85), length, thick, leg, d.uniform(0.035, 0.05)),
        ]
    )
    neck = limb(vec(length * 0.42, 0, 0.05), head, thick * 0.75, skull * 0.7, coat)
    rump = ellipsoid(vec(-length * 0.53, 0, 0.05), vec(0.07, 0.1, 0.13), pale)
    antlers = only(d.flag(0.65) & ~grazes, _antlers(d, head, skull))
    return join([body, neck, face, ears, rump, antlers])


def _antlers(d: Draws, head: Floats, skull: Floats) -> Mesh:
    bone = vec(0.62, 0.5, 0.36)
    root = head + vec(-skull * 0.2, skull * 0.4, skull * 0.8)
    fork = root + vec(-0.12, d.uniform(0.12, 0.25), d.uniform(0.2, 0.3))
    tips = [fork + vec(x, y, z) for x, y, z in ((0.15, 0.03, 0.2), (-0.1, 0.1, 0.25), (0.2, 0.1, 0.05))]
    return both(
        join(
            [
                limb(root, fork, 0.03, 0.025, bone, sides=5),
                *(limb(fork, t, 0.025, 0.012, bone, sides=5) for t in tips),
            ]
        )
    )


def horse(d: Draws) -> Mesh:
    """Deep bodies, thick necks, long heads, manes and hanging tails."""
    coat = paint(d, [(0.4, 0.2, 0.12), (0.24, 0.16, 0.13), (0.5, 0.27, 0.15), (0.34, 0.18, 0.12)], 0.05)
    hair = np.where(d.flag(0.65)[:, None], coat * np.float32(0.35), paint(d, [(0.85, 0.78, 0.62)]))
    thick, leg, length = d.uniform(0.25, 0.32), d.uniform(0.7, 0.95), d.uniform(1.1, 1.35)
    skull = d.uniform(0.15, 0.19)
    grazes = d.flag(0.05)
    head = vec(
        length * 0.55 + d.uniform(0.25, 0.42),
        0,
        np.where(grazes, d.uniform(-0.5, -0.2), d.uniform(0.45, 0.75)),
    )
    face = _face(d, head, skull, skull * d.uniform(1.7, 2.3), (coat, coat), narrow=0.6)
    ears = _ears(
        head, skull, d.uniform(0.1, 0.3), d.uniform(0.9, 1.0), d.uniform(0.12, 0.17), coat, skull * 0.28
    )
    sock = np.where(d.flag(0.3)[:, None], vec(0.9, 0.88, 0.85), coat * np.float32(0.8))
    body = join(
        [
            _trunk(coat, coat, length, thick, thick * d.uniform(1.05, 1.2)),
            _legs(d, coat, sock, length, thick, leg, d.uniform(0.055, 0.075)),
        ]
    )
    withers = vec(length * 0.36, 0, 0.1)
    neck = limb(withers, head, thick * 0.9, skull * 0.9, coat, sides=8)
    mane = limb(
        withers + vec(-0.1, 0, thick * 0.8), head + vec(-skull * 0.9, 0, skull * 0.7), 0.07, 0.06, hair
    )
    rump = vec(-length * 0.54, 0, 0.15)
    dock = rump + vec(-d.uniform(0.1, 0.35), 0, d.uniform(-0.15, 0.05))
    tail = join(
        [
            limb(rump, dock, 0.06, 0.08, hair),
            limb(dock, dock + vec(-0.08, 0, -d.uniform(0.35, 0.65)), 0.09, 0.05, hair),
        ]
    )
    return join([body, neck, mane, face, ears, tail])
