"""What a foreign model takes is made of the images of the data as a person would."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from processing.pictures.gray import luma
from training.foreign.fed import SCALES, feeding

X = np.random.default_rng(0).integers(0, 256, (5, 12, 10, 3), np.uint8)


def fed(x: Any, shape: tuple[int, int, int], scale: str = "0..255") -> Any:
    images = keras.Input(x.shape[1:], dtype="uint8")
    return np.asarray(keras.Model(images, feeding(shape, scale)(images))(x))


@pytest.mark.parametrize("scale", SCALES)
def test_black_and_white_are_what_the_scale_says(scale: str) -> None:
    ends = [float(end) for end in scale.rsplit("..", 1)]
    x = np.zeros((2, 4, 4, 1), np.uint8)
    x[1] = 255
    given = fed(x, (4, 4, 1), scale)
    assert np.allclose(given[0], ends[0], atol=1e-6) and np.allclose(given[1], ends[1], atol=1e-6)


def test_images_of_the_right_form_are_only_scaled() -> None:
    assert np.array_equal(fed(X, X.shape[1:]), X.astype(np.float32))


def test_another_size_is_bilinear() -> None:
    large = fed(X[..., :1], (24, 20, 1))
    for image, expected in zip(large, X[..., 0], strict=True):
        wanted = Image.fromarray(expected.astype(np.float32)).resize((20, 24), Image.Resampling.BILINEAR)
        assert np.allclose(image[..., 0], np.asarray(wanted), atol=1e-3)


def test_gray_becomes_color_and_color_gray_as_the_range_does_it() -> None:
    assert np.array_equal(fed(X[..., :1], (12, 10, 3)), np.repeat(X[..., :1], 3, axis=3).astype(np.float32))
    assert np.abs(fed(X, (12, 10, 1)) - luma(X)).max() < 0.51
