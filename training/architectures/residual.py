"""A residual network that is trained in minutes on two cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from training.architectures.common.base import FEATURES, LOGITS, Architecture


class Residual(Architecture):
    """A thin residual network: four stages of one block, each stage twice as wide as the one before.

    Its recipe is one that was measured with another loop and has not been searched in this one.

    Attributes
    ----------
    width : int
        Channels of the first stage: 16 has 16, 32, 64 and 128.
    stem_stride : int
        2 halves the images in the first convolution, which leaves a fourth of the multiplications.
    """

    title = "thin residual network"
    words = "a thin residual network of four stages, which trains in minutes on two cores"
    least_px = 16
    stride = 1
    recipe: ClassVar[Mapping[str, Any]] = {
        "epochs": 6,
        "batch": 512,
        "optimizer": "sgd",
        "learning_rate": 0.8,
        "weight_decay": 5e-4,
        "schedule": "linear",
        "warmup": 0.25,
        "label_smoothing": 0.1,
        "shift": 3,
        "mirror": "alternating",
        "mirror_at_test": True,
    }

    kind: Literal["residual"] = "residual"
    width: int = Field(default=16, ge=4, le=256)
    stem_stride: Literal[1, 2] = 1

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return it, untrained.

        Raises
        ------
        ConfigError
            If the images are smaller than 16 pixels a side.
        """
        from keras import Model, layers

        self.check_size(input_shape)

        def convolved(x: Any, filters: int, side: int = 3, strides: int = 1) -> Any:
            convolution = layers.Conv2D(filters, side, strides=strides, padding="same", use_bias=False)
            return layers.BatchNormalization(momentum=0.9)(convolution(x))

        def block(x: Any, filters: int, strides: int) -> Any:
            short = x if strides == 1 else convolved(x, filters, 1, strides)
            x = layers.ReLU()(convolved(x, filters, strides=strides))
            return layers.ReLU()(layers.Add()([convolved(x, filters), short]))

        images = layers.Input(input_shape, dtype="uint8")
        x = layers.Rescaling(1 / 64, offset=-2)(images)
        x = layers.ReLU()(convolved(x, self.width, strides=self.stem_stride))
        for stage in range(4):
            x = block(x, self.width << stage, 2 if stage else 1)
        x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
        return Model(images, layers.Softmax()(layers.Dense(classes, name=LOGITS)(x)))
