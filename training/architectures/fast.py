"""A network of the shape of airbench93, for much accuracy in little time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from boomerang.manifest import Images
from training.architectures.common.base import FEATURES, LOGITS, Architecture

_WHITENING = "whitening"
# Patches that the whitening is computed from, and what keeps their faintest directions small.
_MOST_PATCHES = 100_000
_LEAST_VARIANCE = 5e-4
_LEAST_WIDTH, _MOST_WIDTH = 8, 512


class Fast(Architecture):
    """The shape of airbench93 (Keller Jordan 2024) with ReLU: a fixed whitening convolution, three stages.

    The first convolution is not trained: its filters are the principal directions of the patches of the
    rows to learn from, each divided by its deviation, and their negatives. The batch norms have no scale.

    Attributes
    ----------
    widths : (int, int, int)
        Channels of the three stages; airbench93 has 64, 128, 128.
    patch : int
        Side of the patches that are whitened; airbench93 has 2. From 3 up the convolution goes in strides
        of 2, which halves the images, and the first stage does not pool.
    directions : int
        Principal directions that are kept, the strongest ones, at most all there are; 0 keeps all.
    """

    title = "fast network (airbench93)"
    words = "a network of the shape of airbench93: a fixed whitening convolution and three stages"
    least_px = 16
    stride = 1
    recipe: ClassVar[Mapping[str, Any]] = {
        "epochs": 4,
        "batch": 512,
        "optimizer": "sgd",
        "learning_rate": 1.0,
        "weight_decay": 2e-3,
        "schedule": "linear",
        "warmup": 0.23,
        "label_smoothing": 0.2,
        "shift": 2,
        "mirror": "alternating",
        "mirror_at_test": True,
    }

    kind: Literal["fast"] = "fast"
    widths: tuple[int, int, int] = (32, 64, 128)
    patch: int = Field(default=4, ge=2, le=4)
    directions: int = Field(default=24, ge=0)

    @field_validator("widths")
    @classmethod
    def _can_be_built(cls, widths: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(widths) < _LEAST_WIDTH or max(widths) > _MOST_WIDTH:
            raise ValueError(f"each is a number from {_LEAST_WIDTH} to {_MOST_WIDTH}")
        return widths

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return it, untrained and not prepared.

        Raises
        ------
        ConfigError
            If the images are smaller than 16 pixels a side.
        """
        from keras import Model, layers

        self.check_size(input_shape)
        halved = self.patch > 2
        directions = self.patch**2 * input_shape[2]
        directions = min(self.directions, directions) if self.directions else directions

        def active(x: Any) -> Any:
            return layers.ReLU()(layers.BatchNormalization(momentum=0.6, scale=False)(x))

        def convolution(filters: int) -> Any:
            return layers.Conv2D(filters, 3, padding="same", use_bias=False)

        images = layers.Input(input_shape, dtype="uint8")
        x = layers.Rescaling(1 / 64, offset=-2)(images)
        whitening = layers.Conv2D(
            2 * directions, self.patch, strides=2 if halved else 1, use_bias=False, name=_WHITENING
        )
        whitening.trainable = False
        x = layers.ReLU()(whitening(x))
        for stage, filters in enumerate(self.widths):
            x = convolution(filters)(x)
            x = active(x if halved and not stage else layers.MaxPooling2D()(x))
            x = active(convolution(filters)(x))
        x = layers.GlobalMaxPooling2D()(x)
        x = layers.Rescaling(1 / 9, name=FEATURES)(x)
        return Model(images, layers.Softmax()(layers.Dense(classes, use_bias=False, name=LOGITS)(x)))

    def prepare(self, model: Any, x: Images) -> None:
        """Set the whitening by the rows; every other convolution begins as one that passes on its input."""
        from keras import layers

        for layer in model.layers:
            if not isinstance(layer, layers.Conv2D):
                continue
            kernel = np.asarray(layer.kernel)
            if layer.name == _WHITENING:
                scaled = x.astype(np.float32) / 64 - 2
                half = _whitening(scaled, self.patch, layer.strides[0], kernel.shape[-1] // 2)
                layer.kernel.assign(np.concatenate([half, -half], -1))
            else:
                same = np.arange(min(kernel.shape[2:]))
                passed = kernel.copy()
                passed[..., : len(same)] = 0
                passed[1, 1, same, same] = 1
                layer.kernel.assign(passed)


def _whitening(
    x: npt.NDArray[np.float32], side: int, strides: int, directions: int
) -> npt.NDArray[np.float32]:
    """Return float32[side, side, C, directions]: patches' principal directions over their deviations."""
    channels = x.shape[3]
    sliding: Any = np.lib.stride_tricks.sliding_window_view  # its stub knows of one axis only
    patches = sliding(x, (side, side), (1, 2))[:, ::strides, ::strides]
    flat = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels)
    flat = flat[:: max(1, len(flat) // _MOST_PATCHES)].astype(np.float64)
    flat -= flat.mean(0)
    variances, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    found = (vectors / np.sqrt(variances.clip(0) + _LEAST_VARIANCE))[:, ::-1][:, :directions]
    return np.asarray(found, np.float32).reshape(side, side, channels, directions)
