"""Noise of the stated strength, of the image alone."""

from __future__ import annotations

import numpy as np
import pytest

from training.inference.gaussian_augmentation import noisy

X = np.random.default_rng(0).integers(60, 190, (40, 28, 28, 3), np.uint8)


def noise(x: np.ndarray, sigma: float = 10.0, seed: int = 0) -> np.ndarray:
    return np.array(noisy(x, sigma, seed)).astype(int) - x


@pytest.mark.filterwarnings("ignore")  # of ART's import
def test_it_is_as_strong_as_art_s() -> None:
    from art.defences.preprocessor import GaussianAugmentation as Reference

    np.random.seed(0)  # noqa: NPY002  ART draws from it
    theirs = Reference(sigma=10, augmentation=False, clip_values=(0, 255))(X.astype(np.float32))[0] - X
    ours = noise(X)
    assert abs(ours.mean()) < 0.2 and abs(ours.std() / theirs.std() - 1) < 0.02
    assert np.allclose(np.quantile(ours, [0.05, 0.5, 0.95]), np.quantile(theirs, [0.05, 0.5, 0.95]), atol=1)


def test_it_hangs_on_the_image_and_on_nothing_beside() -> None:
    whole = noise(X)
    assert np.array_equal(noise(X[5:6])[0], whole[5]) and np.array_equal(noise(X[::-1])[::-1], whole)
    assert not np.array_equal(noise(X, seed=1), whole)


def test_values_and_images_get_draws_that_are_not_alike() -> None:
    rows = noise(X).reshape(len(X), -1)
    assert np.abs(np.corrcoef(rows) - np.eye(len(X))).max() < 0.12
    beside = [np.corrcoef(rows[:, :-k].ravel(), rows[:, k:].ravel())[0, 1] for k in (1, 3, 84)]
    assert np.abs(beside).max() < 0.02
    other = X.copy()
    other[0, 3, 4, 1] += 1
    assert abs(np.corrcoef(noise(other)[0].ravel(), rows[0])[0, 1]) < 0.12, "one value more, other noise"


def test_what_comes_out_is_an_image() -> None:
    x = np.array([[[[0], [255]]]], np.uint8).repeat(400, 1)
    seen = np.array(noisy(x, 30.0, 0))
    assert seen.dtype == np.uint8 and seen.min() == 0 and seen.max() == 255
