"""Triangle meshes from simple shapes, many at once: the bodies that `render` draws.

It owns the primitives (tube, box, ellipsoid, limb, wing) and what puts them together. It knows nothing
of classes or data sets, and must not import TensorFlow or anything else of ours.

Everything is batched over pictures: the leading axis N of a mesh is the picture, and an array whose
leading axis is 1 holds for all of them. Axes: x forward, y left, z up.

Only elementwise arithmetic is used (no matrix products, no sums over the batch), so that a mesh does
not depend on which others were made with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Mesh:
    """Triangles over shared points; the list of faces is the same for all N pictures.

    Attributes
    ----------
    points : float32[N, V, 3]
        Picture, point, (x, y, z).
    normals : float32[N, V, 3]
        Unit vectors; a flat part has points of its own for each of its sides.
    faces : intp[F, 3]
        Points of each triangle, counter-clockwise seen from outside.
    colors : float32[N, P, 3]
        RGB of each of P paints, 0..1.
    paint : intp[F]
        The paint of each face.
    """

    points: Floats
    normals: Floats
    faces: Indices
    colors: Floats
    paint: Indices


def vec(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> Floats:
    """Return the vectors (x, y, z), float32[N, 3]; scalars hold for every picture."""
    parts = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float32)) for v in (x, y, z)))
    return np.stack(parts, axis=-1)


def dot(a: Floats, b: Floats) -> Floats:
    """Return the dot products over the last axis, of length 3."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])


def cross(a: Floats, b: Floats) -> Floats:
    """Return the cross products over the last axis; several times faster than np.cross."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )


def unit(a: Floats) -> Floats:
    """Return the vectors scaled to length 1; a vector of length 0 stays 0."""
    return np.asarray(a / np.maximum(np.sqrt(dot(a, a)), np.float32(1e-12))[..., None])


# --- primitives -----------------------------------------------------------------------------------------


def tube(
    path: Floats,
    side: Floats,
    up: Floats,
    color: Floats,
    *,
    sides: int = 8,
    flat: bool = False,
) -> Mesh:
    """Return a skin over elliptic rings: the one shape that every other primitive is made of.

    Ring point k of station s is ``path[s] + side[s] cos(t) + up[s] sin(t)``. A station given twice makes
    a crease; one whose radii are zero closes the end.

    Parameters
    ----------
    path, side, up : float32[N, S, 3]
        Center and half axes of each ring.
    color : float32[N, 3] or float32[N, 2 (S - 1) sides, 3]
        One color, or one for each face: stations outermost, then sides, then the two triangles.
    sides : int
        Points on a ring. Four make a box: the corners lie on the diagonals.
    flat : bool
        Whether each quad keeps its own normal instead of a smooth blend.
    """
    up = _right_handed(path, side, up)
    phase = 0.5 if sides == 4 else 0.0
    angle = ((np.arange(sides) + phase) * (2 * np.pi / sides)).astype(np.float32)[:, None]
    ring = path[:, :, None] + side[:, :, None] * np.cos(angle) + up[:, :, None] * np.sin(angle)
    after = np.roll(ring, -1, axis=2)
    quad = (ring[:, :-1], after[:, :-1], after[:, 1:], ring[:, 1:])
    normal = cross(quad[2] - quad[0], quad[3] - quad[1])
    if flat:
        points, normals = np.stack(quad, axis=3), np.repeat(unit(normal)[:, :, :, None], 4, axis=3)
        first = np.arange(normal.shape[1] * sides)[:, None] * 4
        faces = (first + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3)
    else:
        points, normals = ring, unit(_around(normal))
        faces = _grid_faces(ring.shape[1], sides)
    n = len(points)
    one = color.ndim == 2
    return Mesh(
        points.reshape(n, -1, 3),
        normals.reshape(n, -1, 3),
        faces,
        color[:, None] if one else color,
        np.zeros(len(faces), np.intp) if one else np.arange(len(faces)),
    )


def _right_handed(path: Floats, side: Floats, up: Floats) -> Floats:
    """Return `up`, turned over where the rings would run clockwise and the skin face inward."""
    around = dot(cross(side, up)[:, 1:] + cross(side, up)[:, :-1], path[:, 1:] - path[:, :-1])
    return np.where(around.sum(axis=1)[:, None, None] < 0, -up, up)


def _around(quad_normal: Floats) -> Floats:
    """Sum, at each ring point, the normals of the up to four quads around it."""
    n, _, sides, _ = quad_normal.shape
    ends = np.zeros((n, 1, sides, 3), np.float32)
    along = np.concatenate([ends, quad_normal], axis=1) + np.concatenate([quad_normal, ends], axis=1)
    return np.asarray(along + np.roll(along, 1, axis=2))


def _grid_faces(stations: int, sides: int) -> Indices:
    """Return the ring points of each triangle, [2 (stations - 1) sides, 3]."""
    s, k = np.meshgrid(np.arange(stations - 1), np.arange(sides), indexing="ij")
    a, b = s * sides + k, s * sides + (k + 1) % sides
    c, d = a + sides, b + sides
    return np.asarray(np.stack([a, b, d, a, d, c], axis=-1).reshape(-1, 3))


def ellipsoid(center: Floats, radii: Floats, color: Floats, *, sides: int = 8, stations: int = 6) -> Mesh:
    """Return an ellipsoid with axes along x, y and z; `center` and `radii` are float32[N, 3]."""
    angle = np.linspace(0, np.pi, stations, dtype=np.float32)[:, None]
    axis = np.eye(3, dtype=np.float32)
    r = radii[:, None]
    path = center[:, None] - r * axis[0] * np.cos(angle)
    return tube(path, r * axis[1] * np.sin(angle), r * axis[2] * np.sin(angle), color, sides=sides)


def box(
    center: Floats, half: Floats, color: Floats, *, taper_x: ArrayLike = 1.0, taper_y: ArrayLike = 1.0
) -> Mesh:
    """Return a box of half sizes `half`, float32[N, 3]; its top is smaller by the tapers (1: a cuboid)."""
    radius, zero = np.float32(np.sqrt(2)), np.zeros(1, np.float32)
    hx, hy, hz = half[:, 0] * radius, half[:, 1] * radius, half[:, 2]
    tx, ty = np.asarray(taper_x, np.float32), np.asarray(taper_y, np.float32)
    path = stack([center + vec(0, 0, s * hz) for s in (-1, -1, 1, 1)])
    side = stack([vec(x, 0, 0) for x in (zero, hx, hx * tx, zero)])
    up = stack([vec(0, y, 0) for y in (zero, hy, hy * ty, zero)])
    return tube(path, side, up, color, sides=4, flat=True)


def limb(
    start: Floats, end: Floats, r_start: ArrayLike, r_end: ArrayLike, color: Floats, *, sides: int = 6
) -> Mesh:
    """Return a tapered rod with rounded ends between two points, float32[N, 3] each."""
    along = unit(end - start)
    side = unit(cross(along, np.where(np.abs(along[:, 2:]) > 0.9, vec(1, 0, 0), vec(0, 0, 1))))
    up = cross(along, side)
    radii = [np.atleast_1d(np.asarray(r, np.float32))[:, None] for r in (r_start, r_end)]
    tip = np.float32(0.5)
    path = stack([start - along * radii[0] * tip, start, end, end + along * radii[1] * tip])
    scale = [radii[0] * 0, radii[0], radii[1], radii[1] * 0]
    return tube(path, stack([side * r for r in scale]), stack([up * r for r in scale]), color, sides=sides)


def wing(
    root: Floats,
    tip: Floats,
    *,
    root_chord: ArrayLike,
    tip_chord: ArrayLike,
    thickness: ArrayLike,
    color: Floats,
) -> Mesh:
    """Return a lifting surface from root to tip, chord along x; thickness is a share of the chord."""
    thin = unit(cross(vec(1, 0, 0), unit(tip - root)))
    chords = [np.atleast_1d(np.asarray(c, np.float32))[:, None] / 2 for c in (root_chord, tip_chord)]
    share = np.atleast_1d(np.asarray(thickness, np.float32))[:, None]
    scale = [chords[0] * 0, chords[0], chords[1], chords[1] * 0]
    side = stack([vec(1, 0, 0) * c for c in scale])
    up = stack([thin * c * share for c in scale])
    return tube(stack([root, root, tip, tip]), side, up, color)


def stack(stations: Sequence[Floats]) -> Floats:
    """Return float32[N, S, 3] from S arrays float32[N or 1, 3]."""
    return np.asarray(np.stack(np.broadcast_arrays(*stations), axis=1), np.float32)


# --- putting meshes together ------------------------------------------------------------------------------


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh of all faces; meshes of one picture are repeated for all N."""
    n = max(len(a) for m in meshes for a in (m.points, m.normals, m.colors))
    first_point = np.cumsum([0, *(m.points.shape[1] for m in meshes)])
    first_paint = np.cumsum([0, *(m.colors.shape[1] for m in meshes)])

    def full(parts: list[Floats]) -> Floats:
        return np.concatenate([np.broadcast_to(p, (n, *p.shape[1:])) for p in parts], axis=1)

    return Mesh(
        full([m.points for m in meshes]),
        full([m.normals for m in meshes]),
        np.concatenate([m.faces + k for m, k in zip(meshes, first_point, strict=False)]),
        full([m.colors for m in meshes]),
        np.concatenate([m.paint + k for m, k in zip(meshes, first_paint, strict=False)]),
    )


def only(shown: Mask, mesh: Mesh) -> Mesh:
    """Return the mesh where `shown`, bool[N], and a single point (never drawn) elsewhere."""
    return replace(mesh, points=np.where(shown[:, None, None], mesh.points, np.float32(0)))


def shift(mesh: Mesh, by: Floats) -> Mesh:
    """Return the mesh moved by float32[N, 3]."""
    return replace(mesh, points=mesh.points + by[:, None])


def mirror(mesh: Mesh) -> Mesh:
    """Return the mirror image left to right (y to -y)."""
    flip = vec(1, -1, 1)
    return replace(mesh, points=mesh.points * flip, normals=mesh.normals * flip, faces=mesh.faces[:, ::-1])


def turn(mesh: Mesh, axis: int, angle: ArrayLike, pivot: Floats | None = None) -> Mesh:
    """Return the mesh turned by `angle` radians about the axis (0: x, 1: y, 2: z) through the pivot."""
    center = vec(0, 0, 0) if pivot is None else pivot
    points = rotate(mesh.points - center[:, None], axis, angle) + center[:, None]
    return replace(mesh, points=points, normals=rotate(mesh.normals, axis, angle))


def rotate(points: Floats, axis: int, angle: ArrayLike) -> Floats:
    """Return points float32[N, V, 3] turned about the axis through the origin, right-handed."""
    t = np.atleast_1d(np.asarray(angle, np.float32))[:, None]
    c, s = np.cos(t), np.sin(t)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out = np.empty(np.broadcast_shapes(points.shape, (len(t), 1, 1)), np.float32)
    out[..., axis] = points[..., axis]
    out[..., i] = points[..., i] * c - points[..., j] * s
    out[..., j] = points[..., i] * s + points[..., j] * c
    return out


def flatten(mesh: Mesh, light: Floats, height: Floats) -> Mesh:
    """Return the shadow of the mesh on the ground z = height: its points cast along the light."""
    rise = (mesh.points[..., 2] - height[:, None])[..., None]
    direction = light[:, None]
    cast = mesh.points - direction * (rise / np.maximum(direction[..., 2:], np.float32(0.2)))
    return replace(mesh, points=cast)
