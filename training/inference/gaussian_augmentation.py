"""Noise on every image before the model sees it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from training.inference.common.base import InferenceDefense, through
from training.labeled import Labeled

# The largest prime below 1 << 16: steps of any width through the table meet every draw.
_DRAWS = 65_521


class GaussianAugmentation(InferenceDefense):
    """Add Gaussian noise to every value of an image.

    As `art.defences.preprocessor.GaussianAugmentation` without its augmentation, and as Dioptra used it at
    inference; what a model is given is rounded to 0..255.

    The noise hangs on the image alone, so that one image always gets one answer, whatever it is asked beside.
    It is read out of a table of 65,521 draws, which is part of the model; where it is begun and in how wide
    steps the image's own values say. ART draws it anew each time.

    Parameters
    ----------
    sigma : float
        Standard deviation in gray levels, of 0..255. Dioptra's 1 is 1 gray level on color images and 255 on
        digits, which it scales to 0..1.
    seed : int
        Of the draws.
    """

    title = "Gaussian augmentation"
    source = "Zantedeschi, Nicolae, Rawat 2017, Efficient defenses against adversarial attacks, section 4.2"
    assumes = "the trigger is fainter than the noise, and the model has learned to bear noise"
    costs = "next to no time; accuracy, the more the stronger the noise; no trusted rows"
    fails = "every trigger that is seen through the noise: of one gray level, all"

    kind: Literal["gaussian_augmentation"] = "gaussian_augmentation"
    sigma: float = Field(default=1.0, gt=0, le=255)
    seed: int = Field(default=0, ge=0)

    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model behind the noise, all of it from Keras' own operations."""
        import keras

        images = keras.Input(model.input_shape[1:], dtype="uint8")
        return keras.Model(images, through(model, noisy(images, self.sigma, self.seed)))


def noisy(images: Any, sigma: float, seed: int) -> Any:
    """Return uint8[N, H, W, C], uint8[N, H, W, C] with noise; symbolic or not."""
    from keras import layers, ops

    draws = np.random.default_rng(seed).normal(0, sigma, (_DRAWS, 1)).astype(np.float32)
    table = layers.Embedding(_DRAWS, 1, trainable=False, dtype="float32")
    table.build()
    table.set_weights([draws])
    noise = ops.reshape(table(_places(images)), (-1, *images.shape[1:]))
    return ops.cast(ops.clip(ops.round(ops.cast(images, "float32") + noise), 0, 255), "uint8")


def _places(images: Any) -> Any:
    """Return int64[N, H * W * C]: which draw each value of uint8[N, H, W, C] gets.

    They are the multiples of a step from a start, modulo a prime: of an image no two values get one draw, as
    long as it has no more values than there are draws. Start and step are of a sum of its values, each times
    the square of its place, so that the same values elsewhere are another sum.
    """
    from keras import ops

    values = ops.cast(ops.reshape(images, (-1, int(np.prod(images.shape[1:])))), "int64")
    place = ops.cumsum(ops.ones_like(values), axis=1)
    key = ops.sum(values * place * place, axis=1, keepdims=True)
    step = key // _DRAWS % (_DRAWS - 1) + 1
    return (key + place * step) % _DRAWS
