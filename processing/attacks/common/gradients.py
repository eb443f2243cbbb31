"""Small changes of images along the gradient of a network, for the attacks that optimize their poison.

How they are found is `training.learning.climbing`, which this floor asks of `training.model`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.blocks import slices
from boomerang.manifest import Images, Labels
from training.model import Ball, Floats, climbed


def seeded(rng: np.random.Generator) -> int:
    """Make TensorFlow reproducible from here on by a seed that is drawn, and return it."""
    import keras
    import tensorflow as tf

    seed = int(rng.integers(2**31))
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    return seed


def unlearned(answer: Any, x: Images, y: Labels, ball: Ball, steps: int, at_once: int) -> Images:
    """Return images changed by `climbed`, so many at once.

    Parameters
    ----------
    answer, y, ball, steps
        See `climbed`.
    x : uint8[N, H, W, C]
    at_once : int

    Returns
    -------
    uint8[N, H, W, C]
    """
    import tensorflow as tf

    signature = [tf.TensorSpec([None, *x.shape[1:]], tf.float32), tf.TensorSpec([None], tf.int64)]
    climb = tf.function(lambda images, labels: climbed(answer, images, labels, ball, steps), signature)
    out = np.empty_like(x)
    for part in slices(len(x), at_once):
        out[part] = changed(x[part], climb(x[part].astype(np.float32), y[part]).numpy())
    return out


def changed(x: Images, change: Floats) -> Images:
    """Return images with changes of whole numbers, none larger than it was: each is cut towards zero.

    >>> changed(np.uint8([[10, 10]]), np.float32([[1.9, -1.9]]))
    array([[11,  9]], dtype=uint8)
    """
    # What is a whole number up to the last bit of a float is one.
    whole = np.trunc(change + np.sign(change) * 1e-3)
    return np.asarray(np.clip(x + whole, 0, 255), np.uint8)
