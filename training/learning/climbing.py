"""Small changes of images along the gradient of a network: what fools it, and what it is hardened with.

A model takes bytes, and nothing has a gradient with respect to bytes: `on_floats` gives the same layers for
floats. All values are those of images, 0..255, so a radius of 16 is the literature's 16/255.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Norm = Literal["linf", "l2"]
# A gradient of nothing has no direction.
_TINY = 1e-12


def on_floats(model: Any, layer: str) -> Any:
    """Return the way through a model to one of its layers, for images of floats.

    Parameters
    ----------
    model : keras.Model
        Of uint8[N, H, W, C].
    layer : str

    Returns
    -------
    keras.Model
        float32[N, H, W, C], 0..255 -> what comes out of the layer. Its layers are the model's own.
    """
    import keras

    images = keras.Input(model.input_shape[1:], dtype="float32")
    way = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return keras.models.clone_model(way, input_tensors=images, clone_function=lambda each: each)


@dataclass(frozen=True)
class Ball:
    """How far an image may be changed.

    Attributes
    ----------
    norm : str
        `linf` bounds the change of each value, `l2` the Euclidean length of an image's whole change.
    radius : float
    """

    norm: Norm
    radius: float

    def held(self, change: Any) -> Any:
        """Return changes float32[N, H, W, C], those that go too far brought back to the ball's edge."""
        import tensorflow as tf

        if self.norm == "linf":
            return tf.clip_by_value(change, -self.radius, self.radius)
        return change * tf.minimum(1.0, self.radius / tf.maximum(_length(change), _TINY))

    def uphill(self, gradient: Any) -> Any:
        """Return the changes of size 1 along which float32[N, H, W, C] rises fastest."""
        import tensorflow as tf

        if self.norm == "linf":
            return tf.sign(gradient)
        return gradient / tf.maximum(_length(gradient), _TINY)

    def moved(self, images: Any, change: Any, gradient: Any, step: Any) -> Any:
        """Return the changes after a step along the gradient, within the ball and the range of values."""
        import tensorflow as tf

        further = tf.clip_by_value(images + change + step * self.uphill(gradient), 0.0, 255.0) - images
        return self.held(further)


def _length(change: Any) -> Any:
    import tensorflow as tf

    return tf.sqrt(tf.reduce_sum(tf.square(change), [1, 2, 3], keepdims=True))


def climbed(
    answer: Callable[[Any], Any],
    images: Any,
    labels: Any,
    ball: Ball,
    steps: int,
    start: Any = None,
    *,
    towards: bool = False,
) -> Any:
    """Return the changes by which a network is least sure of the labels: projected gradient ascent.

    Madry et al. 2018, section 2.1: so many steps of 2.5 times the radius over their number.

    Parameters
    ----------
    answer : callable
        float32[N, H, W, C] -> float32[N, K], logits.
    images : float32[N, H, W, C], 0..255
    labels : int64[N]
    ball : Ball
    steps : int
    start : float32[N, H, W, C], optional
        Changes to begin with; without them none.
    towards : bool
        Whether it is to be surest of the labels instead: a targeted change.

    Returns
    -------
    float32[N, H, W, C]
    """
    import tensorflow as tf

    def better(number: Any, change: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(change)
            logits = answer(images + change)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        gradient = (-1.0 if towards else 1.0) * tape.gradient(losses, change)
        return number + 1, ball.moved(images, change, gradient, 2.5 * ball.radius / steps)

    begin = tf.zeros_like(images) if start is None else start
    return tf.while_loop(lambda number, _: number < steps, better, (0, begin))[1]


def hardest(
    answer: Callable[[Any], Any], images: Any, labels: Any, ball: Ball, steps: int, start: Any
) -> Any:
    """Return images changed so that a network is least sure of their labels, to train it on them.

    Madry et al. 2018, equation 2.1. No gradient flows back through the search.

    Parameters
    ----------
    answer, labels, ball, steps
        See `climbed`.
    images : float32[N, H, W, C], 0..255
    start : float32[N, H, W, C]
        Changes to begin with; they are cut where they lead out of the range of values.

    Returns
    -------
    float32[N, H, W, C], 0..255
    """
    import tensorflow as tf

    start = tf.clip_by_value(images + start, 0.0, 255.0) - images
    return tf.stop_gradient(images + climbed(answer, images, labels, ball, steps, start))
