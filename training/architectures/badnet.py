"""The face network of the BadNets laboratories."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from training.architectures.common.base import FEATURES, LOGITS, Architecture
from training.architectures.common.published import give_weights

# Below it nothing would be left for the last convolution; the published net takes 55 x 47.
_LEAST_UNPADDED = 31


class Badnet(Architecture):
    """The two-branch face net (DeepID) of the BadNets laboratories, whose published weights open into it.

    Three convolutions with pooling; what comes out of the third, and a fourth convolution of it, are
    each mapped to 160 numbers, which are added. Where a side has less than 31 pixels the convolutions pad.

    Attributes
    ----------
    batch_norm : bool
        Normalize after each convolution, and the sum, which repairs that work on batch norms need.
        Without it, it is the published one.
    """

    title = "BadNets face net"
    words = "the two-branch face network of the BadNets laboratories (DeepID)"
    least_px = 16

    kind: Literal["badnet"] = "badnet"
    batch_norm: bool = True

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return it, untrained; without batch norms 601,643 parameters on 55x47x3 with 1,283 classes.

        Raises
        ------
        ConfigError
            If the images are smaller than 16 pixels a side.
        """
        from keras import Model, layers

        self.check_size(input_shape)
        padding = "valid" if min(input_shape[:2]) >= _LEAST_UNPADDED else "same"

        def active(x: Any, name: str = "") -> Any:
            if self.batch_norm:
                x = layers.BatchNormalization(momentum=0.9)(x)
            return layers.ReLU(**({"name": name} if name else {}))(x)

        images = layers.Input(input_shape, dtype="uint8", name="input")
        x = layers.Rescaling(1 / 255)(images)
        for number, filters, side in ((1, 20, 4), (2, 40, 3), (3, 60, 3)):
            x = active(layers.Conv2D(filters, side, padding=padding, name=f"conv_{number}")(x))
            x = layers.MaxPooling2D(name=f"pool_{number}")(x)
        direct = layers.Dense(160, name="fc_1")(layers.Flatten()(x))
        x = active(layers.Conv2D(80, 2, padding=padding, name="conv_4")(x))
        x = layers.Dense(160, name="fc_2")(layers.Flatten()(x))
        x = active(layers.Add(name="add_1")([direct, x]), FEATURES)
        return Model(images, layers.Softmax()(layers.Dense(classes, name=LOGITS)(x)))

    def open_published(self, model: Any, file: Path) -> None:
        """Give a network of `build`'s the weights of a published `.h5` file, such as `sunglasses_bd_net.h5`.

        Parameters
        ----------
        model : keras.Model
            Of 55x47x3 and 1,283 classes and without batch norms for the published files.
        file : Path
            With weights alone or a whole model of Keras 2; nothing but its numbers is read.

        Raises
        ------
        BadInput
            If it cannot be read, has not the weights of every layer or has them in other shapes.
        """
        give_weights(model, file, names={LOGITS: "output"})
