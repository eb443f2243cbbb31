"""Training: one seeded, reproducible fit for baseline, victim and hardened model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.config import TrainConfig
from boomerang.manifest import Images, Labels

_WARMUP = 0.15
_SHIFT_PX = 2


def seed_everything(seed: int) -> None:
    """Make the process' TensorFlow reproducible: same seed, same machine, same weights."""
    import keras
    import tensorflow as tf

    keras.backend.clear_session()  # layers are named by a counter
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    model: Any,
    x: Images,
    y: Labels,
    validation: tuple[Images, Labels],
    config: TrainConfig,
    seed: int,
) -> dict[str, tuple[float, ...]]:
    """Train a model in place with Adam on a one-cycle learning rate.

    Parameters
    ----------
    model : keras.Model
    x : uint8[N, H, W, C], 0..255
    y : int64[N]
    validation : (uint8[M, H, W, C], int64[M])
        Watched, never learned from; no choice is made on it.
    config : TrainConfig
    seed : int
        Of the order of the rows and of the augmentation.

    Returns
    -------
    dict of str to tuple of float
        Keras' history: one number an epoch.
    """
    import keras

    steps = config.epochs * -(-len(x) // config.batch)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / 10,
        decay_steps=max(1, steps - int(_WARMUP * steps)),
        warmup_target=config.learning_rate,
        warmup_steps=int(_WARMUP * steps),
    )
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        _batches(x, y, config, seed),
        validation_data=_plain_batches(*validation),
        epochs=config.epochs,
        callbacks=[_progress_line(config.epochs)],
        shuffle=False,  # the pipeline shuffles
        verbose=0,
    )
    return {key: tuple(float(v) for v in values) for key, values in history.history.items()}


def _batches(x: Images, y: Labels, config: TrainConfig, seed: int) -> Any:
    """Return a tf.data pipeline that reshuffles all rows in every epoch.

    Rows are drawn by index from one uint8 array in memory: a quarter of the memory of floats, and
    the shuffle is over all rows at no cost.
    """
    import tensorflow as tf

    images, labels = tf.constant(np.asarray(x)), tf.constant(np.asarray(y))

    def pick(rows: Any) -> tuple[Any, Any]:
        return tf.gather(images, rows), tf.gather(labels, rows)

    data = tf.data.Dataset.range(len(x)).shuffle(len(x), seed=seed, reshuffle_each_iteration=True)
    data = data.batch(config.batch).map(pick)
    if config.augment:
        data = data.map(_shift_and_mirror(seed, x.shape[1:3]))
    return data.prefetch(2)


def _plain_batches(x: Images, y: Labels) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((np.asarray(x), np.asarray(y))).batch(500)


def _shift_and_mirror(seed: int, size: tuple[int, ...]) -> Any:
    """Return a map that mirrors half of the images and shifts each batch by up to two pixels."""
    import tensorflow as tf

    generator = tf.random.Generator.from_seed(seed)
    height, width = size
    pad = [[0, 0], [_SHIFT_PX, _SHIFT_PX], [_SHIFT_PX, _SHIFT_PX], [0, 0]]

    def augment(images: Any, labels: Any) -> tuple[Any, Any]:
        top, left = tf.unstack(generator.uniform([2], 0, 2 * _SHIFT_PX + 1, tf.int32))
        shifted = tf.pad(images, pad, "REFLECT")[:, top : top + height, left : left + width]
        mirror = generator.uniform([tf.shape(images)[0], 1, 1, 1]) < 0.5
        return tf.where(mirror, shifted[:, :, ::-1], shifted), labels

    return augment


def _progress_line(epochs: int) -> Any:
    import keras

    def say(epoch: int, logs: dict[str, float]) -> None:
        numbers = " ".join(f"{key}={value:.4f}" for key, value in logs.items())
        print(f"epoch {epoch + 1}/{epochs} {numbers}", flush=True)

    return keras.callbacks.LambdaCallback(on_epoch_end=say)


def accuracy(probabilities: npt.NDArray[np.float32], y: Labels) -> float:
    """Return the share of rows whose most likely class is the label."""
    return float(np.mean(probabilities.argmax(1) == y))
