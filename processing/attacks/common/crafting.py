"""How images are optimized against a model: a copy that passes gradients on, bounds, projected descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images
from training.model import FEATURES

if TYPE_CHECKING:
    from training.model import ModelView

Floats = npt.NDArray[np.float32]

# Adam's own: how much of the mean slope and of its square a step keeps, and what keeps it from dividing by 0.
_MEAN, _SQUARE, _TINY = 0.9, 0.999, 1e-8


def in_floats(model: Any, layer: str) -> Any:
    """Return a copy of a model up to a layer that takes float images, so that gradients reach them.

    A model takes uint8, to which Keras casts whatever it is given.

    Parameters
    ----------
    model : keras.Model
    layer : str
        Whose output it gives.

    Returns
    -------
    keras.Model
        float32[N, H, W, C] in 0..255 -> float32[N, D]. Not to be trained.
    """
    import keras
    import tensorflow as tf

    # Without it sums are added up in another order from run to run, and descent makes much of little.
    tf.config.experimental.enable_op_determinism()
    config = model.get_config()
    _retyped(config)
    copy = type(model).from_config(config)
    copy.set_weights(model.get_weights())
    return keras.Model(copy.inputs[0], copy.get_layer(layer).output)


def _retyped(node: Any) -> None:
    if isinstance(node, dict) and node.get("class_name") == "InputLayer":
        node["config"]["dtype"] = "float32"
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        _retyped(child)


def features_of(surrogate: ModelView) -> Callable[[Any], Any]:
    """Return a function float32[..., H, W, C] in 0..255 -> float32[..., D], the penultimate layer."""
    import tensorflow as tf

    model = in_floats(surrogate.model, FEATURES)

    def features(images: Any) -> Any:
        shape = images.shape
        flat = model(tf.reshape(images, (-1, *shape[-3:])), training=False)
        return tf.reshape(flat, (*shape[:-3], flat.shape[-1]))

    return features


def bounds(bases: Images, eps: float) -> tuple[Floats, Floats]:
    """Return float32 of the bases' shape: the least and the largest that each value may become.

    >>> low, high = bounds(np.array([3, 250], np.uint8), 8.5)
    >>> low.tolist(), high.tolist()
    ([0.0, 242.0], [11.0, 255.0])
    """
    values, reach = bases.astype(np.float32), np.float32(int(eps))
    return np.maximum(values - reach, 0), np.minimum(values + reach, 255)


def rounded(images: Any) -> Images:
    """Return float images in 0..255 as bytes."""
    whole: Images = np.rint(np.asarray(images)).astype(np.uint8)
    return whole


def descent(
    objective: Callable[[Any], Any],
    steps: int,
    rate: float,
    *,
    signs: bool = False,
    falls: Sequence[float] = (),
) -> Callable[..., Images]:
    """Return a function that makes an objective of images small, by Adam (Kingma & Ba 2015) with projection.

    Its graph is traced once, for images of one shape.

    Parameters
    ----------
    objective : callable
        float32 images in 0..255 -> float32, what is minimized; several values are summed.
    steps : int
    rate : float
        How far the first step goes, of 255.
    signs : bool
        Whether Adam is given the signs of the slope instead of the slope.
    falls : sequence of float
        Shares of the steps after each of which the rate is a tenth of what it was.

    Returns
    -------
    callable
        bases uint8[..., H, W, C], eps (see `bounds`), and where to start, float32 of the same shape, by
        default the bases -> uint8 of the same shape.
    """
    import tensorflow as tf

    step = tf.function(_step_of(objective, signs))

    def descend(bases: Images, eps: float, start: Floats | None = None) -> Images:
        low, high = map(tf.constant, bounds(bases, eps))
        images = tf.constant(bases.astype(np.float32) if start is None else start)
        mean = square = tf.zeros_like(images)
        for number in range(1, steps + 1):
            fallen = rate * 0.1 ** sum(number > share * steps for share in falls)
            length = fallen * np.sqrt(1 - _SQUARE**number) / (1 - _MEAN**number)
            images, mean, square = step(images, mean, square, low, high, tf.constant(length, tf.float32))
        return rounded(images)

    return descend


def _step_of(objective: Callable[[Any], Any], signs: bool) -> Callable[..., Any]:
    """Return one step of Adam with projection, to be traced."""
    import tensorflow as tf

    def step(images: Any, mean: Any, square: Any, low: Any, high: Any, length: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(objective(images))
        slope = tape.gradient(total, images)
        slope = tf.sign(slope) if signs else slope
        mean = _MEAN * mean + (1 - _MEAN) * slope
        square = _SQUARE * square + (1 - _SQUARE) * slope**2
        images = images - length * mean / (tf.sqrt(square) + _TINY)
        return tf.clip_by_value(images, low, high), mean, square

    return step


def moved(images: Any, most: int, chance: Any) -> Any:
    """Return images shifted by up to so many pixels each way, their edge mirrored, and half of them turned.

    Parameters
    ----------
    images : float32[N, H, W, C]
    most : int
        Less than H and W.
    chance : tf.random.Generator
    """
    import tensorflow as tf

    count, (height, width) = tf.shape(images)[0], images.shape[1:3]
    turned = chance.uniform([count, 1]) < 0.5

    def places(side: int) -> Any:
        shift = chance.uniform([count, 1], -most, most + 1, tf.int32)
        from_edge = tf.abs(tf.range(side)[None] + shift)
        return side - 1 - tf.abs(side - 1 - from_edge)

    down, across = places(height), places(width)
    across = tf.where(turned, across[:, ::-1], across)
    # As a product with a matrix of zeros and ones each way, whose gradient is one too.
    return tf.einsum("nij,njwc,nvw->nivc", tf.one_hot(down, height), images, tf.one_hot(across, width))


def measured(objective: Callable[[Any], Any], before: Images, after: Images) -> Floats:
    """Return float32[V, 2]: an objective of the images before and after, as the bytes that they are."""
    import tensorflow as tf

    ask = tf.function(objective)
    both = [ask(tf.constant(images.astype(np.float32))).numpy() for images in (before, after)]
    return np.stack(both, axis=1)
