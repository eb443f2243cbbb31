"""The network of the book that this range follows."""

from __future__ import annotations

from typing import Any, Literal

from training.architectures.common.base import FEATURES, LOGITS, Architecture


class Book(Architecture):
    """The CNN of the book's chapter 4: three blocks of two convolutions, pooling and dropout."""

    title = "the book's CNN"
    words = "the convolutional network of the book's chapter 4"
    least_px = 8

    kind: Literal["book"] = "book"

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return it, untrained; 552,874 parameters on 32x32x3 with 10 classes.

        Raises
        ------
        ConfigError
            If the images are smaller than 8 pixels a side.
        """
        from keras import Sequential, layers

        self.check_size(input_shape)

        def block(filters: int, dropout: float) -> list[Any]:
            pair: list[Any] = []
            for _ in range(2):
                pair += [
                    layers.Conv2D(filters, 3, padding="same", activation="relu"),
                    layers.BatchNormalization(),
                ]
            return [*pair, layers.MaxPooling2D(), layers.Dropout(dropout)]

        return Sequential(
            [
                layers.Input(input_shape, dtype="uint8"),
                layers.Rescaling(1 / 255),
                *block(32, 0.3),
                *block(64, 0.5),
                *block(128, 0.5),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.BatchNormalization(name=FEATURES),
                layers.Dropout(0.5),
                layers.Dense(classes, name=LOGITS),
                layers.Softmax(),
            ]
        )
