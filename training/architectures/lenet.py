"""The small network of Dioptra's MNIST demonstrations."""

from __future__ import annotations

from typing import Any, Literal

from training.architectures.common.base import FEATURES, LOGITS, Architecture


class Lenet(Architecture):
    """The CNN that Dioptra trains on MNIST: two convolutions, one pooling, one hidden layer.

    Attributes
    ----------
    batch_norm : bool
        Normalize after each convolution and the hidden layer, which repairs that work on batch norms
        need. Without it, it is Dioptra's to the parameter.
    """

    title = "LeNet of Dioptra"
    words = "the small convolutional network of Dioptra's MNIST demonstrations"
    least_px = 6

    kind: Literal["lenet"] = "lenet"
    batch_norm: bool = True

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return it, untrained; without batch norms 1,199,882 parameters on 28x28x1 with 10 classes.

        Raises
        ------
        ConfigError
            If the images are smaller than 6 pixels a side.
        """
        from keras import Sequential, layers

        self.check_size(input_shape)

        def active(layer: Any, **named: str) -> list[Any]:
            norm = [layers.BatchNormalization(momentum=0.9)] if self.batch_norm else []
            return [layer, *norm, layers.ReLU(**named)]

        return Sequential(
            [
                layers.Input(input_shape, dtype="uint8"),
                layers.Rescaling(1 / 255),
                *active(layers.Conv2D(32, 3)),
                *active(layers.Conv2D(64, 3)),
                layers.MaxPooling2D(),
                layers.Dropout(0.25),
                layers.Flatten(),
                *active(layers.Dense(128), name=FEATURES),
                layers.Dropout(0.5),
                layers.Dense(classes, name=LOGITS),
                layers.Softmax(),
            ]
        )
