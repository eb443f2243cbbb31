"""The perspective camera of `render`: where a point of the world is seen, and what a pixel looks along.

Everything is batched over pictures, as in `mesh`. Axes of a picture: x right, y down; pixel (0, 0)
covers [0, 1) x [0, 1).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from processing.datasets.drawn.mesh import Floats, Indices, Mesh, dot, unit


@dataclass(frozen=True)
class Camera:
    """A perspective camera that looks at the origin of the world; every field is float32[N].

    Attributes
    ----------
    yaw, pitch, roll : float32[N]
        Radians. Yaw 0 looks along -x (at the nose), pi/2 sees the left side; pitch > 0 looks down.
    distance : float32[N]
        From the eye to the origin, in world units.
    focal_px, center_x_px, center_y_px : float32[N]
        Focal length, and where the origin of the world lies in the picture.
    """

    yaw: Floats
    pitch: Floats
    roll: Floats
    distance: Floats
    focal_px: Floats
    center_x_px: Floats
    center_y_px: Floats

    def take(self, rows: Indices) -> Camera:
        """Return the cameras of some of the pictures."""
        return Camera(*(getattr(self, field.name)[rows] for field in fields(self)))


def basis(camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Return the camera's unit vectors right, up and forward in the world, float32[N, 3] each."""
    cy, sy, cp, sp = np.cos(camera.yaw), np.sin(camera.yaw), np.cos(camera.pitch), np.sin(camera.pitch)
    cr, sr = np.cos(camera.roll)[:, None], np.sin(camera.roll)[:, None]
    forward = -np.stack([cy * cp, sy * cp, sp], axis=-1)
    level = np.stack([-sy, cy, np.zeros_like(cy)], axis=-1)
    upright = np.stack([-cy * sp, -sy * sp, cp], axis=-1)
    return level * cr + upright * sr, upright * cr - level * sr, forward


def project(points: Floats, camera: Camera) -> tuple[Floats, Floats, Floats]:
    """Return where world points, float32[N, V, 3], are seen: x px, y px and 1 / depth, float32[N, V] each.

    Raises
    ------
    ValueError
        When a point lies behind the eye, or nearer than a hundredth of a unit.
    """
    right, up, forward = (b[:, None] for b in basis(camera))
    depth = camera.distance[:, None] + dot(points, forward)
    if depth.size and depth.min() < 0.01:
        raise ValueError("a point lies behind the camera; raise its distance")
    near = 1 / depth
    scale = camera.focal_px[:, None] * near
    x = camera.center_x_px[:, None] + dot(points, right) * scale
    y = camera.center_y_px[:, None] - dot(points, up) * scale
    return x, y, near


def frame(mesh: Mesh, camera: Camera, height_px: int, width_px: int, fill: Floats) -> Camera:
    """Return the camera zoomed and centered so that the mesh fills the share `fill`, float32[N], of it."""
    one, zero = np.ones_like(camera.yaw), np.zeros_like(camera.yaw)
    x, y, _ = project(mesh.points, replace(camera, focal_px=one, center_x_px=zero, center_y_px=zero))
    left, right, top, bottom = x.min(axis=1), x.max(axis=1), y.min(axis=1), y.max(axis=1)
    least = np.float32(1e-6)
    focal = fill * np.minimum(
        width_px / np.maximum(right - left, least), height_px / np.maximum(bottom - top, least)
    )
    return replace(
        camera,
        focal_px=focal.astype(np.float32),
        center_x_px=(width_px / 2 - (left + right) / 2 * focal).astype(np.float32),
        center_y_px=(height_px / 2 - (top + bottom) / 2 * focal).astype(np.float32),
    )


def rays(camera: Camera, height_px: int, width_px: int) -> Floats:
    """Return the unit vector in the world that each pixel's center looks along, float32[N, H, W, 3]."""
    right, up, forward = (b[:, None, None] for b in basis(camera))
    x = np.arange(width_px, dtype=np.float32)[None, None, :] + np.float32(0.5)
    y = np.arange(height_px, dtype=np.float32)[None, :, None] + np.float32(0.5)
    focal, cx, cy = (f[:, None, None] for f in (camera.focal_px, camera.center_x_px, camera.center_y_px))
    return unit(forward + right * ((x - cx) / focal)[..., None] - up * ((y - cy) / focal)[..., None])
