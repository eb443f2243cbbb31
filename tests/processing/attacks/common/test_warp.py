"""Warped images: held against scipy's own sampling, and the bicubic field against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.attack_pools import make_pool
from scipy.ndimage import map_coordinates

from boomerang.manifest import Images
from processing.attacks.common.warp import Floats, enlarged, warped


def noise(count: int, height: int, width: int, channels: int) -> Images:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def by_scipy(image: Images, offsets: Floats) -> Floats:
    height, width = image.shape[:2]
    at = offsets + np.mgrid[:height, :width]
    planes = [
        map_coordinates(plane.astype(float), at, order=1, mode="nearest")
        for plane in np.moveaxis(image, 2, 0)
    ]
    return np.stack(planes, axis=2)


@pytest.mark.parametrize("shape", [(12, 12, 3), (9, 14, 1), (1, 8, 3), (8, 1, 1)])
@pytest.mark.parametrize("fields", [1, 5])
def test_a_value_is_what_lies_where_the_offset_points(shape: tuple[int, int, int], fields: int) -> None:
    x = noise(5, *shape)
    offsets = np.random.default_rng(1).uniform(-4, 4, (fields, 2, *shape[:2]))
    got = warped(x, offsets)
    for number in range(len(x)):
        expected = by_scipy(x[number], offsets[number % fields])
        assert np.abs(got[number] - expected).max() <= 0.501, "rounded to nearest, but for float32"


def test_without_an_offset_nothing_changes() -> None:
    x = make_pool().x
    assert np.array_equal(warped(x, np.zeros((1, 2, 16, 16))), x)


def test_whole_offsets_move_the_image_and_repeat_its_edge() -> None:
    x = noise(3, 6, 6, 3)
    offsets = np.zeros((1, 2, 6, 6))
    offsets[:, 0] = 2
    got = warped(x, offsets)
    assert np.array_equal(got[:, :4], x[:, 2:])
    assert np.array_equal(got[:, 4], x[:, 5]) and np.array_equal(got[:, 5], x[:, 5])


def cubic_by_definition(points: Floats, at: float) -> float:
    """Keys' cubic convolution with -0.75, point by point; beyond the ends the ends go on."""

    def kernel(d: float) -> float:
        if d <= 1:
            return 1.25 * d**3 - 2.25 * d**2 + 1
        return -0.75 * d**3 + 3.75 * d**2 - 6 * d + 3 if d < 2 else 0.0

    around = range(int(np.floor(at)) - 1, int(np.floor(at)) + 3)
    return sum(kernel(abs(at - k)) * points[min(max(k, 0), len(points) - 1)] for k in around)


def test_the_field_is_a_cubic_convolution_of_its_points() -> None:
    points = np.random.default_rng(2).uniform(-1, 1, (1, 4, 4))
    field = enlarged(points, 10, 7)[0]
    for row, down in enumerate(np.linspace(0, 3, 10)):
        for column, right in enumerate(np.linspace(0, 3, 7)):
            along = np.array([cubic_by_definition(line, right) for line in points[0]])
            assert field[row, column] == pytest.approx(cubic_by_definition(along, down), abs=1e-12)


def test_the_corners_of_the_field_are_those_of_its_points() -> None:
    points = np.random.default_rng(3).uniform(-1, 1, (2, 4, 4))
    field = enlarged(points, 32, 20)
    assert field.shape == (2, 32, 20)
    assert np.allclose(field[:, ::31, ::19], points[:, ::3, ::3])
    assert np.allclose(enlarged(np.full((1, 3, 3), 0.7), 8, 8), 0.7)
