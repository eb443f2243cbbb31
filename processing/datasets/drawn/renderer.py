"""A small 3-D renderer: triangle meshes to pictures, many pictures in one pass, in numpy alone.

It owns the z-buffer and the light. It knows nothing of classes or data sets, and must not import
TensorFlow.

Everything is batched over pictures, as in `mesh` and `camera`. Only elementwise arithmetic is used, so
that a picture does not depend on which others were drawn with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from processing.datasets.drawn.camera import Camera, basis, project
from processing.datasets.drawn.mesh import Floats, Indices, Mesh, dot, unit

_FACE_BITS = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Light:
    """One distant light, and what the sky and the ground give from all sides.

    Attributes
    ----------
    direction : float32[N, 3]
        Unit vector towards the light.
    ambient, diffuse, gloss : float32[N]
        Shares; ambient + diffuse of about 1 shows a face lit head-on in its own color.
    """

    direction: Floats
    ambient: Floats
    diffuse: Floats
    gloss: Floats


# --- z-buffer -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hits:
    """What is seen at each covered sample of a batch of pictures.

    Attributes
    ----------
    sample : intp[M]
        Flat index into (picture, row, column), ascending.
    picture, face : intp[M]
    weights : three float32[M]
        Barycentric weights of the face's corners, 0..1.
    """

    sample: Indices
    picture: Indices
    face: Indices
    weights: list[Floats]


@dataclass(frozen=True)
class _Triangles:
    """The triangles worth filling, each measured from its own first pixel (x, y).

    Offsets from there are small whole numbers, so float32 stays exact to the edge in large pictures too.
    Weight k at offset (dx, dy) is ``constant[k] + per_x[k] dx + per_y[k] dy``.
    """

    picture: Indices  # [T]
    face: Indices  # [T]
    x: Indices  # [T]
    y: Indices  # [T]
    last_x: Indices  # [T]
    last_y: Indices  # [T]
    constant: list[Floats]  # three of [T]
    per_x: list[Floats]
    per_y: list[Floats]
    near: list[Floats]  # 1 / depth at the corners


def visible(
    mesh: Mesh, camera: Camera, height: int, width: int, *, scale: int = 1, both_sides: bool = False
) -> Hits:
    """Return the nearest face at every sample that any face covers.

    Parameters
    ----------
    height, width, scale : int
        Samples of a picture, and how many lie along each side of a pixel.
    both_sides : bool
        Whether faces seen from behind count (a shadow); otherwise they are skipped.
    """
    x, y, near = project(mesh.points, camera)
    scaled = (x * np.float32(scale), y * np.float32(scale), near)
    triangles = _triangles(scaled, mesh.faces, (height, width), both_sides)
    buffer = np.zeros(len(x) * height * width, np.uint64)
    t, sample, depth = _fill(triangles, height, width)
    # A positive float32 sorts like its bits, so one integer maximum keeps the nearest face's number.
    key = np.maximum(depth, np.float32(1e-20)).view(np.uint32).astype(np.uint64) << np.uint64(32)
    np.maximum.at(buffer, sample, key | t.astype(np.uint64))
    seen = np.flatnonzero(buffer)
    return _hits(triangles, seen, (buffer[seen] & _FACE_BITS).astype(np.intp), height, width)


def _triangles(
    screen: tuple[Floats, Floats, Floats], faces: Indices, size: tuple[int, int], both_sides: bool
) -> _Triangles:
    x, y, near = ([v[:, faces[:, k]] for k in range(3)] for v in screen)
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    first_x, last_x = _reach(x, size[1])
    first_y, last_y = _reach(y, size[0])
    # Counter-clockwise from outside is a negative area where y points down.
    facing = np.abs(area) > 1e-7 if both_sides else area < -1e-7
    at = np.nonzero(facing & (first_x <= last_x) & (first_y <= last_y))
    first_x, first_y = first_x[at], first_y[at]
    x = [v[at] - first_x - np.float32(0.5) for v in x]
    y = [v[at] - first_y - np.float32(0.5) for v in y]
    per_area = 1 / area[at]
    turns = ((1, 2), (2, 0), (0, 1))
    return _Triangles(
        picture=at[0],
        face=at[1],
        x=first_x.astype(np.intp),
        y=first_y.astype(np.intp),
        last_x=last_x[at].astype(np.intp),
        last_y=last_y[at].astype(np.intp),
        constant=[(x[b] * y[c] - x[c] * y[b]) * per_area for b, c in turns],
        per_x=[(y[b] - y[c]) * per_area for b, c in turns],
        per_y=[(x[c] - x[b]) * per_area for b, c in turns],
        near=[v[at] for v in near],
    )


def _reach(v: list[Floats], length: int) -> tuple[Floats, Floats]:
    """Return the first and the last pixel whose center may lie within three coordinates."""
    low = np.minimum(np.minimum(v[0], v[1]), v[2])
    high = np.maximum(np.maximum(v[0], v[1]), v[2])
    half = np.float32(0.5)
    return np.maximum(np.ceil(low - half), 0), np.minimum(np.floor(high - half), np.float32(length - 1))


def _within(count: Indices) -> Indices:
    """Return 0, 1, .. count[0] - 1, 0, 1, .. count[1] - 1, and so on."""
    starts = np.cumsum(count) - count
    return np.asarray(np.arange(count.sum()) - np.repeat(starts, count))


def _fill(p: _Triangles, height: int, width: int) -> tuple[Indices, Indices, Floats]:
    """Return, for every sample inside every triangle, its number, the sample and 1 / depth."""
    row_t, dy, left, count, near = _rows(p)
    first = ((p.picture * height + p.y) * width + p.x)[row_t] + dy * width + left
    slope = np.asarray(sum(a * b for a, b in zip(p.per_x, p.near, strict=True)), np.float32)[row_t]
    near = near + left.astype(np.float32) * slope
    row = np.repeat(np.arange(len(count)), count)
    step = _within(count)
    return row_t[row], first[row] + step, near[row] + step.astype(np.float32) * slope[row]


def _rows(p: _Triangles) -> tuple[Indices, Indices, Indices, Indices, Floats]:
    """Cut each triangle into rows: its number, dy, first dx, samples, and 1 / depth at dx = 0."""
    high = p.last_y - p.y + 1
    t = np.repeat(np.arange(len(high)), high)
    dy = _within(high)
    low_x, high_x = np.zeros(len(t), np.float32), (p.last_x - p.x)[t].astype(np.float32)
    near = np.zeros(len(t), np.float32)
    for k in range(3):
        value = p.constant[k][t] + p.per_y[k][t] * dy.astype(np.float32)
        slope = p.per_x[k][t]
        # A level edge (slope 0) limits no column: the row is wholly in or wholly out.
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = -value / slope
        low_x = np.where(slope > 0, np.maximum(low_x, limit), low_x)
        high_x = np.where(slope < 0, np.minimum(high_x, limit), high_x)
        high_x = np.where((slope == 0) & (value < 0), np.float32(-1), high_x)
        near = near + value * p.near[k][t]
    count = np.maximum(np.floor(high_x) - np.ceil(low_x) + 1, 0)
    return t, dy, np.minimum(np.ceil(low_x), high_x + 1).astype(np.intp), count.astype(np.intp), near


def _hits(p: _Triangles, sample: Indices, t: Indices, height: int, width: int) -> Hits:
    dx = (sample % width - p.x[t]).astype(np.float32)
    dy = (sample // width % height - p.y[t]).astype(np.float32)
    weights = [
        np.clip(c[t] + px[t] * dx + py[t] * dy, 0, 1)
        for c, px, py in zip(p.constant, p.per_x, p.per_y, strict=True)
    ]
    return Hits(sample, p.picture[t], p.face[t], weights)


# --- light ----------------------------------------------------------------------------------------------


def render(
    mesh: Mesh, camera: Camera, light: Light, height_px: int, width_px: int, *, oversample: int = 2
) -> Floats:
    """Draw each mesh through its camera.

    Parameters
    ----------
    mesh, camera, light
        Of N pictures each.
    oversample : int
        Samples along each side of a pixel; their mean is the pixel, which smooths the edges.

    Returns
    -------
    float32[N, H, W, 4]
        RGB multiplied by coverage, and the coverage, 0..1.
    """
    h, w = height_px * oversample, width_px * oversample
    hits = visible(mesh, camera, h, w, scale=oversample)
    points = hits.picture[:, None] * mesh.points.shape[1] + mesh.faces[hits.face]
    normals = mesh.normals.reshape(-1, 3)
    normal = sum(np.take(normals, points[:, k], axis=0) * hits.weights[k][:, None] for k in range(3))
    paints = hits.picture * mesh.colors.shape[1] + mesh.paint[hits.face]
    color = np.take(mesh.colors.reshape(-1, 3), paints, axis=0)
    lit = shade(unit(np.asarray(normal)), color, hits.picture, camera, light)
    shape = (len(mesh.points), height_px, width_px)
    return np.stack([_average(hits, v, shape, oversample) for v in (*lit.T, None)], axis=-1)


def shadow(mesh: Mesh, camera: Camera, height_px: int, width_px: int, *, oversample: int = 1) -> Floats:
    """Return the coverage of a mesh from both sides, float32[N, H, W], 0..1; see `mesh.flatten`."""
    h, w = height_px * oversample, width_px * oversample
    hits = visible(mesh, camera, h, w, scale=oversample, both_sides=True)
    return _average(hits, None, (len(mesh.points), height_px, width_px), oversample)


def shade(normal: Floats, color: Floats, picture: Indices, camera: Camera, light: Light) -> Floats:
    """Light M samples: Lambert, an ambient share that is stronger from above, and a highlight.

    Parameters
    ----------
    normal, color : float32[M, 3]
    picture : intp[M]
        The picture that each sample belongs to.

    Returns
    -------
    float32[M, 3]
        RGB, 0..1.
    """
    direction = light.direction[picture]
    lit = np.maximum(dot(normal, direction), 0)
    half = unit(light.direction - basis(camera)[2])[picture]
    highlight = np.maximum(dot(normal, half), 0)
    for _ in range(5):  # the 32nd power: about the width of the sun's glint on paint
        highlight = highlight * highlight
    ambient = light.ambient[picture] * (np.float32(0.8) + np.float32(0.2) * normal[:, 2])
    level = ambient + light.diffuse[picture] * lit
    lit_color = color * level[:, None] + (light.gloss[picture] * highlight)[:, None]
    return np.asarray(np.clip(lit_color, 0, 1), np.float32)


def _average(hits: Hits, value: Floats | None, shape: tuple[int, int, int], factor: int) -> Floats:
    """Average a value (None: 1) over the factor x factor samples of each pixel, float32[N, H, W]."""
    _, height, width = shape
    sample = hits.sample
    column = sample % (width * factor) // factor
    row = sample // (width * factor) % (height * factor) // factor
    pixel = (hits.picture * height + row) * width + column
    total = np.bincount(pixel, value, minlength=int(np.prod(shape))).reshape(shape)
    return (total / factor**2).astype(np.float32)
