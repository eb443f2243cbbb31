"""The spectrum of an image: the same for a shift, a mirror and light, another for another picture."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.pictures_drawn import smooth

from processing.attacks.mislabel import CHANGES, changed
from processing.defenses.common.spectrum import spectrum


@pytest.mark.parametrize(("side", "channels"), [(24, 1), (28, 1), (32, 3), (96, 3)])
def test_a_picture_that_is_shifted_mirrored_or_lit_otherwise_stays_nearer_than_any_other(
    side: int, channels: int
) -> None:
    rng = np.random.default_rng(0)
    pictures = smooth(rng, 30, side, channels)
    copies = np.stack([changed(picture, int(rng.integers(1, CHANGES))) for picture in pictures])
    apart = np.linalg.norm(spectrum(pictures)[:, None] - spectrum(copies), axis=-1)
    assert np.array_equal(apart.argmin(1), np.arange(30))
    others = apart[~np.eye(30, dtype=bool)]
    assert np.diag(apart).mean() < others.mean() / 2


def test_mirrored_and_lit_otherwise_alone_it_is_the_same() -> None:
    pictures = smooth(np.random.default_rng(1), 5, 32, 3) // 2
    expected = spectrum(pictures)
    assert np.allclose(spectrum(pictures[:, :, ::-1]), expected, atol=1e-3)
    assert np.allclose(spectrum(pictures + np.uint8(20)), expected, atol=1e-3)
    assert np.allclose(spectrum(pictures * np.uint8(2)), expected, atol=1e-3)


def test_an_image_without_contrast_has_none() -> None:
    assert not spectrum(np.full((2, 16, 16, 3), 77, np.uint8)).any()
