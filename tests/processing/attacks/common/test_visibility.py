"""PSNR and SSIM are what their papers define, and what is published of them elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from processing.attacks.common.visibility import psnr_db, ssim


def pairs(side_px: int, channels: int, count: int = 3) -> tuple[Any, Any]:
    """Images that change slowly from pixel to pixel, and the same with noise of growing strength."""
    rng = np.random.default_rng(side_px)
    ramp = np.linspace(0, 200, side_px)
    before = np.add.outer(ramp, ramp[::-1])[None, :, :, None] / 2 + rng.integers(
        0, 40, (count, side_px, side_px, channels)
    )
    noise = rng.normal(0, 1, before.shape) * np.array([1, 8, 60])[:count, None, None, None]
    return before.astype(np.uint8), np.clip(before + noise, 0, 255).astype(np.uint8)


def by_definition(x: Any, y: Any, side_px: int = 11) -> float:
    """SSIM of two images as section III of the paper has it, one window after the other."""
    x, y = x.astype(float), y.astype(float)
    offsets = np.arange(side_px) - side_px // 2
    weight = np.exp(-np.add.outer(offsets**2, offsets**2) / (2 * 1.5**2))
    weight /= weight.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found = []
    for channel in range(x.shape[2]):
        for top in range(x.shape[0] - side_px + 1):
            for left in range(x.shape[1] - side_px + 1):
                a = x[top : top + side_px, left : left + side_px, channel]
                b = y[top : top + side_px, left : left + side_px, channel]
                ma, mb = (weight * a).sum(), (weight * b).sum()
                va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
                both = (weight * (a - ma) * (b - mb)).sum()
                up = (2 * ma * mb + c1) * (2 * both + c2)
                found.append(up / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(found))


@pytest.mark.parametrize(("side_px", "channels"), [(16, 3), (28, 1)])
def test_ssim_is_that_of_the_definition(side_px: int, channels: int) -> None:
    before, after = pairs(side_px, channels)
    wanted = [by_definition(x, y) for x, y in zip(before, after, strict=True)]
    assert ssim(before, after) == pytest.approx(wanted, abs=1e-9)
    assert wanted[0] > 0.95 > wanted[1] > wanted[2]


def test_of_a_small_image_the_window_is_the_largest_that_fits() -> None:
    before, after = pairs(8, 1)
    wanted = [by_definition(x, y, 7) for x, y in zip(before, after, strict=True)]
    assert ssim(before, after) == pytest.approx(wanted, abs=1e-9)


def test_both_are_what_tensorflow_has() -> None:
    import tensorflow as tf

    before, after = pairs(32, 3)
    assert ssim(before, after) == pytest.approx(tf.image.ssim(before, after, 255).numpy(), abs=1e-4)
    assert psnr_db(before, after) == pytest.approx(tf.image.psnr(before, after, 255).numpy(), abs=1e-3)


def test_images_that_are_equal_have_no_noise_and_are_alike() -> None:
    before, _ = pairs(32, 3)
    assert np.isinf(psnr_db(before, before)).all() and ssim(before, before) == pytest.approx(1)


def test_a_change_by_one_everywhere_is_48_decibels() -> None:
    """20 log10(255), as every text on it has; of a change by 255 in both directions it is 0."""
    x = np.full((1, 16, 16, 3), 100, np.uint8)
    assert psnr_db(x, x + 1) == pytest.approx(48.1308036)
    black = np.zeros_like(x)
    assert psnr_db(black, ~black) == psnr_db(~black, black) == pytest.approx(0)
    assert ssim(black, ~black) == pytest.approx(0, abs=1e-3)
