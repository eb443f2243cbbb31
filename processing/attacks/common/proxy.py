"""An attacker's own network, trained against small changes: what fools it, fools others too.

Turner et al. 2019 found that the changes that fool such a network take an image's class away from it, for
others as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from boomerang.blocks import slices
from boomerang.errors import ConfigError
from boomerang.manifest import Images, Labels
from processing.attacks.common.gradients import seeded
from training.model import Ball, hardest

_BATCH = 128
_RATE = 1e-3
_LEAST_PX = 6


@dataclass(frozen=True)
class Drill:
    """How the network is trained (Madry et al. 2018): on the worst change of each image, and on nothing else.

    Attributes
    ----------
    epochs : int
    rows : int
        Rows that it is trained on, drawn at random; fewer where there are fewer.
    radius : float
        How far each value may be changed, 0..255.
    steps : int
        Of the search for the worst change.
    """

    epochs: int
    rows: int
    radius: float
    steps: int


def trained(x: Images, y: Labels, classes: int, drill: Drill, rng: np.random.Generator) -> Any:
    """Return a network that was trained from nothing on some rows.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    y : int64[N]
    classes : int
    drill : Drill
    rng : numpy.random.Generator

    Returns
    -------
    keras.Model
        float32[N, H, W, C], 0..255 -> float32[N, K], logits.

    Raises
    ------
    ConfigError
        If the images are smaller than 6 pixels a side.
    """
    import tensorflow as tf

    seeded(rng)
    rows = np.sort(rng.choice(len(y), min(drill.rows, len(y)), replace=False))
    x, y = np.asarray(x[rows]), np.asarray(y[rows])
    network = _network(x.shape[1:], classes)
    step = _step(network, Ball("linf", drill.radius), drill.steps)
    for _ in range(drill.epochs):
        order = rng.permutation(len(y))
        for part in slices(len(y), _BATCH):
            images = x[order[part]].astype(np.float32)
            start = rng.uniform(-drill.radius, drill.radius, images.shape).astype(np.float32)
            step(tf.constant(images), tf.constant(y[order[part]]), tf.constant(start))
    return network


def _network(image: tuple[int, ...], classes: int) -> Any:
    """Return the small CNN of Dioptra's MNIST demonstrations, without its dropout."""
    from keras import Sequential, layers

    if min(image[:2]) < _LEAST_PX:
        why = f"it takes images of {_LEAST_PX} pixels a side and more, these are {image[1]} x {image[0]}"
        raise ConfigError("the adversarially trained proxy", why, "take larger images, or the surrogate")
    return Sequential(
        [
            layers.Input(image),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes),
        ]
    )


def _step(network: Any, ball: Ball, steps: int) -> Any:
    """Return what trains the network on a batch, from where the search for each worst change begins."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(_RATE)
    optimizer.build(network.trainable_variables)

    def learn(images: Any, labels: Any, start: Any) -> None:
        worst = hardest(network, images, labels, ball, steps, start)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, network(worst))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
        optimizer.apply(gradients, network.trainable_variables)

    images = tf.TensorSpec([None, *network.input_shape[1:]], tf.float32)
    return tf.function(learn, [images, tf.TensorSpec([None], tf.int64), images])
