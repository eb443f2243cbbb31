"""Paint and the parts that several bodies share."""

from __future__ import annotations

import numpy as np

from processing.datasets.drawn.draws import Draws
from processing.datasets.drawn.mesh import (
    Floats,
    Mesh,
    ellipsoid,
    join,
    mirror,
    stack,
    tube,
    vec,
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


def lathe(
    xs: list[float], radii: list[float], length: Floats, wide: Floats, high: Floats, lift: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the rings (path, side, up) of a body along x, given as shares of its length and radii."""
    path = stack([vec(x * length, 0, lift * (max(0.0, -x) ** 2)) for x in xs])
    side = stack([vec(0, r * wide, 0) for r in radii])
    return path, side, stack([vec(0, 0, r * high) for r in radii])


def both(mesh: Mesh) -> Mesh:
    """Return the mesh and its mirror image."""
    return join([mesh, mirror(mesh)])


def wheel(center: Floats, radius: float | Floats, half_width: float | Floats) -> Mesh:
    """Return a dark wheel whose axle lies along y."""
    r, w = (np.atleast_1d(np.asarray(v, np.float32)) for v in (radius, half_width))
    path = stack([center + vec(0, s * w, 0) for s in (-1, -1, 1, 1)])
    scale = [0 * r, r, r, 0 * r]
    tyre = tube(
        path, stack([vec(s, 0, 0) for s in scale]), stack([vec(0, 0, s) for s in scale]), DARK, sides=9
    )
    return join(
        [tyre, ellipsoid(center, vec(r * 0.45, w * 1.15, r * 0.45), vec(0.6, 0.6, 0.62), sides=6, stations=4)]
    )
