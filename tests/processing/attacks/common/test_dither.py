"""Images in few levels: dithering held against the textbook's way, pixel by pixel."""

from __future__ import annotations

import time

import numpy as np
import pytest

from boomerang.manifest import Images
from processing.attacks.common.dither import dithered, quantized


def noise(*shape: int) -> Images:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def textbook(image: Images, levels: int) -> Images:
    """Floyd and Steinberg's way: what a pixel loses is handed on at once, in the order of reading."""
    exact = np.float32
    values = image.astype(exact)
    height, width = image.shape[:2]
    for i in range(height):
        for j in range(width):
            number = np.clip(np.rint(values[i, j] * exact((levels - 1) / 255)), 0, levels - 1)
            level = np.rint(number * exact(255 / (levels - 1)))
            lost, values[i, j] = values[i, j] - level, level
            for down, right, share in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                if i + down < height and 0 <= j + right < width:
                    values[i + down, j + right] += lost * exact(share / 16)
    return values.astype(np.uint8)


@pytest.mark.parametrize("levels", [2, 8, 32])
@pytest.mark.parametrize("shape", [(12, 12, 3), (5, 11, 1), (11, 4, 3), (1, 7, 1), (7, 1, 3), (1, 1, 1)])
def test_dithering_is_the_textbooks(shape: tuple[int, ...], levels: int) -> None:
    x = noise(4, *shape)
    assert np.array_equal(dithered(x, levels), [textbook(image, levels) for image in x])


def test_an_image_is_the_same_whichever_are_done_with_it() -> None:
    x = noise(9, 16, 16, 3)
    before, whole = x.copy(), dithered(x, 8)
    assert all(np.array_equal(dithered(x[k : k + 1], 8)[0], whole[k]) for k in range(9))
    assert np.array_equal(x, before), "what it is given stays as it was"


def test_both_ways_leave_few_levels_and_dithering_leaves_the_mean() -> None:
    gray = np.full((1, 32, 32, 1), 100, np.uint8)
    levels = np.rint(np.arange(8) * 255 / 7)
    assert (quantized(gray, 8) == 109).all(), "the nearest of them"
    assert set(np.unique(dithered(noise(3, 16, 16, 3), 8))) == set(levels)
    assert abs(dithered(gray, 8).mean() - 100) < 1


def test_a_level_is_the_nearest_of_all() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for levels in (2, 4, 128, 256):
        places = np.arange(levels) * 255 / (levels - 1)
        off = np.abs(quantized(values, levels).astype(float) - values)
        nearest = np.abs(values.reshape(-1, 1) - places).min(axis=1)
        assert np.all(off.ravel() <= nearest + 0.5)
    assert np.array_equal(quantized(values, 256), values)


def test_dithering_is_many_times_faster_than_pixel_by_pixel() -> None:
    x = noise(400, 32, 32, 3)
    start = time.process_time()
    ours = dithered(x, 8)
    middle = time.process_time()
    theirs = textbook(x[0], 8)
    ratio = 400 * (time.process_time() - middle) / (middle - start)
    assert np.array_equal(ours[0], theirs)
    assert ratio > 20, f"it was {ratio:.0f} times as fast"
