"""JPEG in Keras' operations: held against Pillow's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from training.inference.jpeg_compression import compressed


def pictures(shape: tuple[int, ...]) -> np.ndarray:
    """Return images with gradients, edges and some noise, as photographs have them: uint8."""
    rng = np.random.default_rng(0)
    n, height, width, channels = shape
    rows, columns = np.mgrid[:height, :width]
    waves = rng.uniform(0, 0.6, (2, n, 1, 1, channels))
    x = 128 + 90 * np.sin(waves[0] * rows[..., None] + waves[1] * columns[..., None])
    x[:, height // 3 : height // 2, width // 3 :] += 70
    return np.clip(x + rng.normal(0, 8, shape), 0, 255).astype(np.uint8)


def by_pillow(x: np.ndarray, quality: int) -> np.ndarray:
    def one(image: np.ndarray) -> np.ndarray:
        with io.BytesIO() as file:
            Image.fromarray(image.squeeze()).save(file, format="jpeg", quality=quality)
            return np.array(Image.open(file)).reshape(image.shape)

    return np.stack([one(image) for image in x])


@pytest.mark.parametrize("shape", [(6, 28, 28, 1), (6, 32, 32, 3), (4, 27, 35, 3), (4, 17, 9, 1)])
@pytest.mark.parametrize("quality", [20, 50, 90])
def test_it_is_pillow_s_but_for_rounding(shape: tuple[int, ...], quality: int) -> None:
    x = pictures(shape)
    ours, theirs = np.array(compressed(x, quality)), by_pillow(x, quality)
    apart = np.abs(ours.astype(int) - theirs)
    lost = np.abs(x.astype(int) - theirs).mean()
    assert ours.dtype == np.uint8 and np.mean(apart <= 2) > 0.965, np.bincount(apart.ravel())
    assert apart.mean() < 0.15 * lost, (apart.mean(), lost)


def test_each_channel_of_any_other_number_is_an_image_of_its_own() -> None:
    x = pictures((3, 16, 16, 2))
    each = np.concatenate([np.array(compressed(x[..., k : k + 1], 50)) for k in range(2)], axis=-1)
    assert np.array_equal(np.array(compressed(x, 50)), each)
