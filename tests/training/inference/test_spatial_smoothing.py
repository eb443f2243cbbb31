"""The median: as ART's and SciPy's, to the bit, and all of it Keras' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved
from scipy.ndimage import median_filter

from training.inference.common.base import wrapped
from training.inference.spatial_smoothing import SpatialSmoothing, median
from training.labeled import Labeled
from training.model import classifier

NOISE = np.random.default_rng(0).integers(0, 256, (5, 9, 12, 3), np.uint8)


@pytest.mark.filterwarnings("ignore")  # of ART's import
@pytest.mark.parametrize("window", [2, 3, 4, 5])
def test_it_is_the_median_of_art_and_of_scipy(window: int) -> None:
    from art.defences.preprocessor import SpatialSmoothing as Reference

    ours = np.array(median(NOISE, window))
    assert ours.dtype == np.uint8
    assert np.array_equal(ours, median_filter(NOISE, size=(1, window, window, 1), mode="reflect"))
    assert np.array_equal(ours, Reference(window_size=window)(NOISE.copy())[0])


def test_a_model_behind_it_is_asked_about_the_smoothed_images(tmp_path: Path) -> None:
    """Opened by plain Keras, without anything of this project."""
    import keras

    rows = Labeled(*left_or_right(20))
    model = built()
    saved(wrapped(model, [SpatialSmoothing(window=3)], rows), tmp_path)
    opened = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    smoothed = median_filter(rows.x, size=(1, 3, 3, 1), mode="reflect")
    assert not np.array_equal(smoothed, rows.x)
    assert np.array_equal(classifier(opened)(rows.x), classifier(model)(smoothed))


def test_single_bright_pixels_are_gone() -> None:
    x = np.full((1, 8, 8, 1), 7, np.uint8)
    x[0, 7, 7], x[0, 0, 3] = 255, 255
    assert np.array_equal(np.array(median(x, 3)), np.full_like(x, 7))
