"""The renderer: shapes land where geometry says, whatever else is in the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from processing.datasets.drawn.camera import Camera, basis, frame, project, rays
from processing.datasets.drawn.mesh import (
    Floats,
    Mesh,
    box,
    ellipsoid,
    flatten,
    join,
    limb,
    mirror,
    only,
    shift,
    turn,
    unit,
    vec,
    wing,
)
from processing.datasets.drawn.renderer import Light, render, shadow, visible

RED, BLUE = vec(1, 0, 0), vec(0, 0, 1)
ORIGIN = vec(0, 0, 0)
H, W = 60, 80


def one(value: float) -> Floats:
    return np.array([value], np.float32)


def camera(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, distance: float = 10.0) -> Camera:
    return Camera(one(yaw), one(pitch), one(roll), one(distance), one(100), one(W / 2), one(H / 2))


def ambient() -> Light:
    return Light(vec(0, 0, 1), one(1), one(0), one(0))


def signed_volume(mesh: Mesh) -> float:
    a, b, c = (mesh.points[0, mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def ball(at: Floats = ORIGIN, radius: float = 1.0, color: Floats = RED) -> Mesh:
    return ellipsoid(at, vec(radius, radius, radius), color, sides=48, stations=32)


def test_a_sphere_projects_to_a_disc_of_the_right_radius() -> None:
    picture = render(ball(), camera(), ambient(), H, W, oversample=4)
    # A sphere of radius r seen from d shows a disc of radius f r / sqrt(d^2 - r^2).
    radius = 100 / np.sqrt(99)
    cover = picture[0, ..., 3]
    assert cover.sum() == pytest.approx(np.pi * radius**2, rel=0.01)
    y, x = np.nonzero(cover > 0.5)
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((W / 2, H / 2), abs=0.1)
    assert np.ptp(x) + 1 == pytest.approx(2 * radius, abs=1)


def test_the_volume_of_a_sphere_and_of_a_box() -> None:
    assert signed_volume(ball()) == pytest.approx(4 / 3 * np.pi, rel=0.02)
    assert signed_volume(box(vec(1, 2, 3), vec(0.5, 1, 2), RED)) == pytest.approx(8, rel=1e-4)


@pytest.mark.parametrize(
    "mesh",
    [
        box(vec(0, 0, 0), vec(1, 1, 1), RED, taper_x=0.5),
        limb(vec(0, 0, 0), vec(1, 2, 3), 0.3, 0.1, RED),
        limb(vec(0, 0, 0), vec(0, 0, -3), 0.3, 0.1, RED),
        wing(vec(0, 0, 0), vec(-1, 3, 0), root_chord=1, tip_chord=0.5, thickness=0.1, color=RED),
        wing(vec(0, 0, 0), vec(-1, -3, 0), root_chord=1, tip_chord=0.5, thickness=0.1, color=RED),
        mirror(ball()),
    ],
)
def test_every_primitive_faces_outward(mesh: Mesh) -> None:
    assert signed_volume(mesh) > 0


def test_normals_are_unit_vectors_that_point_outward() -> None:
    sphere = ball()
    length = np.linalg.norm(sphere.normals, axis=-1)
    assert length == pytest.approx(1, abs=1e-5)
    assert (sphere.normals * unit(sphere.points)).sum(axis=-1).min() > 0.95


def test_the_nearer_of_two_bodies_hides_the_other_in_either_order() -> None:
    near, far = ball(vec(3, 0, 0), 0.5, RED), ball(vec(-3, 0, 0), 1.0, BLUE)
    for mesh in (join([near, far]), join([far, near])):
        middle = render(mesh, camera(), ambient(), H, W)[0, H // 2, W // 2]
        assert middle[0] > 0.7
        assert middle[2] == 0


def test_the_camera_sees_the_left_side_from_the_left() -> None:
    x, y, near = project(vec(1, 0, 1)[:, None], camera(yaw=np.pi / 2))
    assert x[0, 0] < W / 2  # the nose points to the left of the picture
    assert y[0, 0] < H / 2  # up is up
    assert near[0, 0] == pytest.approx(0.1)


def test_a_ray_through_a_pixel_leads_to_the_point_seen_there() -> None:
    view = camera(0.7, 0.4, 0.2)
    look = rays(view, H, W)[0, 20, 30]
    eye = -basis(view)[2] * view.distance[:, None]
    x, y, _ = project((eye + look * 7)[:, None], view)
    assert (float(x[0, 0]), float(y[0, 0])) == pytest.approx((30.5, 20.5), abs=0.01)


def test_a_point_behind_the_eye_is_refused() -> None:
    with pytest.raises(ValueError, match="behind the camera"):
        project(vec(11, 0, 0)[:, None], camera())


def test_framing_fills_the_share_asked_for() -> None:
    mesh = box(vec(1, 0.5, 0), vec(1, 2, 0.3), RED)
    framed = frame(mesh, camera(0.5, 0.3), H, W, one(0.8))
    x, y, _ = project(mesh.points, framed)
    assert max(np.ptp(x) / W, np.ptp(y) / H) == pytest.approx(0.8, abs=1e-3)
    assert (x.min() + x.max()) / 2 == pytest.approx(W / 2, abs=1e-2)


def test_a_face_towards_the_light_is_brighter() -> None:
    light = Light(vec(0, 1, 0), one(0.2), one(0.8), one(0))
    lit = render(ball(), camera(), light, H, W)[0]
    assert lit[H // 2, W // 2 + 7, 0] > lit[H // 2, W // 2 - 7, 0] + 0.4


def test_what_is_hidden_by_only_is_not_drawn() -> None:
    mesh = only(np.array([False]), ball(vec(0, 0, 1)))
    assert render(mesh, camera(), ambient(), H, W).max() == 0


def test_turning_and_shifting_move_points() -> None:
    mesh = turn(shift(ball(radius=0.1), vec(1, 0, 0)), 2, np.pi / 2)
    assert mesh.points[0].mean(axis=0) == pytest.approx([0, 1, 0], abs=0.02)


def test_the_shadow_lies_on_the_ground_away_from_the_light() -> None:
    light = unit(vec(0, 1, 1))
    cast = flatten(ball(), light, one(-1))
    assert cast.points[..., 2] == pytest.approx(-1, abs=1e-5)
    assert cast.points[..., 1].mean() == pytest.approx(-1, abs=0.05)
    assert shadow(cast, camera(pitch=0.5), H, W).max() == 1


def test_neighbors_share_their_edge_without_a_gap() -> None:
    """A flat sheet of many faces covers its inside everywhere, whatever the angle."""
    sheet = box(vec(0, 0, 0), vec(0.01, 3, 3), RED)
    for roll in np.linspace(0, 1, 5):
        hits = visible(sheet, camera(roll=float(roll)), H, W)
        cover = np.zeros(H * W)
        cover[hits.sample] = 1
        assert cover.reshape(H, W)[10:50, 20:60].all()


def test_a_picture_does_not_depend_on_its_batch() -> None:
    angles = np.linspace(0, 6, 7, dtype=np.float32)
    size = vec(1 + angles / 6, 0.5, 0.4)
    rest = np.ones_like(angles)
    view = Camera(angles, angles / 10, angles / 9, 8 * rest, 90 * rest, 16 * rest, 16 * rest)
    light = Light(np.repeat(unit(vec(1, 1, 1)), 7, axis=0), rest * 0.4, rest * 0.6, rest * 0.2)
    mesh = join([ellipsoid(vec(0, 0, 0), size, RED), box(vec(0, 0, -0.5), size, BLUE)])
    whole = render(mesh, view, light, 32, 32)
    for k in (0, 4):
        at = np.array([k])
        alone = replace(mesh, points=mesh.points[at], normals=mesh.normals[at], colors=mesh.colors[at])
        one_light = Light(light.direction[at], light.ambient[at], light.diffuse[at], light.gloss[at])
        assert np.array_equal(render(alone, view.take(at), one_light, 32, 32)[0], whole[k])
