"""The network of the shape of airbench93: its whitening, and what its convolutions begin as."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from boomerang.config import Spec
from training.architectures import ARCHITECTURES
from training.fit import seed_everything


def rows(channels: int) -> np.ndarray:
    """Return uint8[200, 16, 16, channels] whose neighbors, and whose channels, go together."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 200, (200, 4, 4, 1)).repeat(4, 1).repeat(4, 2)
    return np.uint8(coarse + rng.integers(-20, 20, (200, 16, 16, channels)))


def prepared(x: np.ndarray, **settings: Any) -> Any:
    seed_everything(0)
    architecture = ARCHITECTURES.create(Spec(kind="fast", **settings))
    model = architecture.build(x.shape[1:], 3)
    architecture.prepare(model, x)
    return model


@pytest.mark.parametrize(("channels", "patch"), [(1, 2), (3, 2), (3, 4)])
def test_the_whitening_makes_the_directions_of_the_patches_equal_and_apart(channels: int, patch: int) -> None:
    x = rows(channels)
    model = prepared(x, patch=patch, directions=0)
    seen = keras.Model(model.inputs[0], model.get_layer("whitening").output)(x)
    half = np.asarray(seen).reshape(-1, seen.shape[-1])
    assert half.shape[1] == 2 * channels * patch**2
    positive, negative = np.split(half, 2, 1)
    assert np.allclose(positive, -negative, atol=1e-5)
    assert np.allclose(np.cov(positive.T), np.eye(positive.shape[1]), atol=0.1)


def test_the_faintest_directions_can_be_left_out() -> None:
    x = rows(3)
    few, all_there_are = (prepared(x, patch=4, directions=n).get_layer("whitening").kernel for n in (8, 0))
    assert few.shape == (4, 4, 3, 16) and all_there_are.shape == (4, 4, 3, 96)
    assert np.array_equal(few[..., :8], all_there_are[..., :8])


def test_the_whitening_is_not_trained_and_the_rest_is() -> None:
    model = prepared(rows(3))
    trained = {variable.path for variable in model.trainable_variables}
    assert not [path for path in trained if "whitening" in path or "gamma" in path]
    assert sum("kernel" in path for path in trained) == 7


def test_the_other_convolutions_begin_as_ones_that_pass_on_what_comes_in() -> None:
    model = prepared(rows(3), patch=2)
    image = np.random.default_rng(1).normal(size=(1, 5, 5, 24)).astype(np.float32)
    first = next(each for each in model.layers if isinstance(each, keras.layers.Conv2D) and each.trainable)
    assert np.allclose(np.asarray(first(image))[..., :24], image, atol=1e-6)


def test_airbench93_is_a_setting_away() -> None:
    architecture = ARCHITECTURES.create(Spec(kind="fast", widths=(64, 128, 128), patch=2))
    model = architecture.build((32, 32, 3), 10)
    sides = [each.output.shape[1:] for each in model.layers if isinstance(each, keras.layers.Conv2D)]
    assert sides[0] == (31, 31, 24), "the whitening"
    assert sides[1:] == [(31, 31, 64), (15, 15, 64), (15, 15, 128), (7, 7, 128), (7, 7, 128), (3, 3, 128)]
