"""Adversarial embedding: the attacker trains, and hides the poison's features (Tan & Shokri 2020)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, ClassVar, Literal

from pydantic import Field

from processing.attacks.common.art import ArtPixels
from processing.attacks.common.deeds import Facts
from processing.attacks.common.lesson import History, Lesson

_SUSPICION = "suspicion"
_LEAK = 0.2


class AdversarialEmbedding(ArtPixels):
    """Train the victim so that features do not tell triggered rows from clean ones.

    Tan & Shokri 2020, section IV. Beside the victim a discriminator learns to tell from the features layer
    which rows are triggered; the victim learns its classes, and to make the discriminator fail. Both learn in
    one step: the gradient of the discriminator's loss is turned around, times `regularization`, where it
    enters the victim. The defaults are those of NIST Dioptra's MNIST demonstration.

    Parameters
    ----------
    rate : float
    distance_px, value : int
        Of the trigger, four pixels; see `art_pattern`.
    regularization : float
        How much more failing the discriminator counts than the classes do.
    widths : (int, int)
        Of the discriminator's two hidden layers.
    """

    title = "adversarial embedding"
    example: ClassVar = {"target": "bird", "rate": 0.1}
    takes_over = True

    function = "add_pattern_bd"
    extent_px = 2

    kind: Literal["adversarial_embedding"] = "adversarial_embedding"
    rate: float = Field(default=0.15, gt=0, le=1)
    regularization: float = Field(default=30.0, gt=0, le=1e6)
    widths: tuple[int, int] = (256, 128)

    def train(self, lesson: Lesson) -> tuple[Any, History]:
        """Return the victim, trained together with a discriminator, which is left behind."""
        width = lesson.model.output_shape[-1]
        told = lesson.y + width * (lesson.truth.attack_of > 0)
        pair = with_discriminator(lesson.model, self.widths, self.regularization)
        return lesson.model, lesson.fit(pair, lesson.x, told, loss=partial(both_losses, width))

    def mark(self) -> str:
        """Return how many pixels they are."""
        return "a pattern of four pixels"

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and that the attacker trained."""
        return f"{super().deed(facts)} The attacker trained the model, so that its features hide that."


def with_discriminator(model: Any, widths: tuple[int, int], regularization: float) -> Any:
    """Return a model of the same layers and the same answers, from whose features a discriminator hangs.

    The discriminator's layers are the model's, so that whoever trains it, shares it out or saves its state
    does so with the discriminator.

    Parameters
    ----------
    model : keras.Model
    widths : (int, int)
    regularization : float
        Its gradient enters the features negative and times this.
    """
    import keras
    from keras import layers

    from training.model import FEATURES

    turned, beside = _layers()
    images = keras.Input(model.input_shape[1:], dtype="uint8")
    answers = keras.models.clone_model(
        keras.Model(model.inputs[0], [model.get_layer(FEATURES).output, model.outputs[0]]),
        input_tensors=images,
        clone_function=lambda each: each,
    )
    features, probabilities = answers.outputs
    x = turned(regularization)(features)
    for number, width in enumerate(widths, 1):
        x = layers.Dense(width, name=f"{_SUSPICION}_{number}")(x)
        x = layers.LeakyReLU(_LEAK)(x)
    return keras.Model(images, beside()([probabilities, layers.Dense(1, name=_SUSPICION)(x)]))


@cache
def _layers() -> tuple[type[Any], type[Any]]:
    """Return a layer that turns the gradient around, and one that passes on the first of two inputs."""
    import tensorflow as tf
    from keras import layers

    class Turned(layers.Layer):  # type: ignore[misc]
        def __init__(self, factor: float, **more: Any) -> None:
            super().__init__(**more)
            self.factor = factor

        def call(self, x: Any) -> Any:
            turned = tf.custom_gradient(lambda x: (tf.identity(x), lambda up: -self.factor * up))
            return turned(x)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    class First(layers.Layer):  # type: ignore[misc]
        def call(self, both: Any) -> Any:
            return both[0]

    return Turned, First


def both_losses(classes: int, model: Any, images: Any, told: Any) -> tuple[Any, Any]:
    """Return cross entropy of the classes plus that of the discriminator; see `Loss`.

    Parameters
    ----------
    classes : int
        K.
    model : keras.Model
        See `with_discriminator`.
    images : uint8[B, H, W, C]
    told : int64[B]
        The label, plus K if the row is poisoned.
    """
    import keras
    import tensorflow as tf

    suspicion, probabilities = _taps(model)(images, training=True)
    labels, poisoned = told % classes, tf.cast(told >= classes, tf.float32)
    known = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    suspected = tf.nn.sigmoid_cross_entropy_with_logits(poisoned, tf.cast(suspicion[:, 0], tf.float32))
    # Right is what is largest where the label stands: each half is of the rows that it is about.
    probabilities = tf.cast(probabilities, tf.float32)
    halves = [probabilities * (1 - poisoned)[:, None], probabilities * poisoned[:, None]]
    return tf.cast(known, tf.float32) + suspected, tf.concat(halves, 1)


def _taps(model: Any) -> Any:
    import keras

    beside = model.outputs[0]._keras_history
    node = beside.operation._inbound_nodes[beside.node_index]
    probabilities, suspicion = node.input_tensors
    return keras.Model(model.inputs[0], [suspicion, probabilities])
