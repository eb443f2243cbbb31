"""A small network of a defender's own, which learns from rows that he trusts and has seen no other.

It looks at pixels: the victim's features are what the poison has made of them. It is made for a few hundred
to a few thousand rows, so it knows its classes less well than a model of the campaign does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.blocks import blocks
from boomerang.manifest import Images, Labels

Floats = npt.NDArray[np.float32]
Ask = Callable[[Images], Floats]

_WIDTHS = (32, 64, 128)
_BATCH = 64
_RATE, _SMOOTHING = 3e-3, 0.1
_SHIFT_PX = 2
_ASKED_AT_ONCE = 2048


def learned(x: Images, y: Labels, classes: int, seed: int, *, epochs: int = 20) -> Ask:
    """Return what tells the classes, learned from these rows and nothing else.

    Three blocks of convolution, batch normalization, ReLU and max pooling, and a linear layer on the mean
    over the positions; cross entropy with smoothed labels, Adam with a rate that falls to zero, images
    shifted at random. The same rows and the same seed give the same answers, on the same machine.

    Parameters
    ----------
    x : uint8[n, H, W, C], 0..255
        At least one row, of any size; in memory.
    y : int64[n]
    classes : int
        K.
    seed : int
    epochs : int

    Returns
    -------
    callable
        uint8[N, H, W, C] -> float32[N, K], class probabilities.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed % 2**32)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(seed)
    network = _network(x.shape[1:], classes)
    step = _step(network, epochs * -(-len(y) // _BATCH))
    for _ in range(epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), _BATCH):
            rows = order[start : start + _BATCH]
            step(tf.constant(_shifted(x[rows], rng)), tf.constant(y[rows]))
    return _asked(network, classes)


def _network(image: tuple[int, ...], classes: int) -> Any:
    """Return the network, uint8[N, H, W, C] -> float32[N, K], logits."""
    from keras import Sequential, layers

    network = Sequential([layers.Input(image, dtype="uint8"), layers.Rescaling(1 / 64, offset=-2)])
    for width in _WIDTHS:
        network.add(layers.Conv2D(width, 3, padding="same", use_bias=False))
        network.add(layers.BatchNormalization(momentum=0.9))
        network.add(layers.ReLU())
        network.add(layers.MaxPooling2D(padding="same"))
    network.add(layers.GlobalAveragePooling2D())
    network.add(layers.Dense(classes))
    return network


def _step(network: Any, steps: int) -> Callable[[Any, Any], None]:
    """Return what trains the network on a batch, so often."""
    import keras
    import tensorflow as tf

    classes = network.output_shape[1]
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, steps))
    optimizer.build(network.trainable_variables)

    def learn(images: Any, labels: Any) -> None:
        told = tf.one_hot(labels, classes) * (1 - _SMOOTHING) + _SMOOTHING / classes
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(told, network(images, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
        optimizer.apply(gradients, network.trainable_variables)

    images = tf.TensorSpec([None, *network.input_shape[1:]], tf.uint8)
    return tf.function(learn, [images, tf.TensorSpec([None], tf.int64)])  # type: ignore[no-any-return]


def _shifted(x: Images, rng: np.random.Generator) -> Images:
    """Return images, each shifted by up to some pixels, its edge repeated."""
    px = _SHIFT_PX
    wide = np.pad(x, ((0, 0), (px, px), (px, px), (0, 0)), mode="edge")
    height, width = x.shape[1:3]
    starts = rng.integers(0, 2 * px + 1, (len(x), 2))
    return np.stack([wide[k, i : i + height, j : j + width] for k, (i, j) in enumerate(starts)])


def _asked(network: Any, classes: int) -> Ask:
    import tensorflow as tf

    def ask(x: Images) -> Floats:
        out = np.empty((len(x), classes), np.float32)
        for part, block in blocks(x, _ASKED_AT_ONCE):
            out[part] = tf.nn.softmax(network(block, training=False)).numpy()
        return out

    return ask
