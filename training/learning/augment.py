"""How a batch is shifted, mirrored and resized, in TensorFlow's graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from boomerang.settings import TrainConfig

Seeds = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Augment:
    """What is done to the images of every batch.

    Attributes
    ----------
    shift : int
        The batch is moved by up to so many pixels each way, its edge mirrored.
    mirror : str
        Which rows are mirrored, see `TrainConfig`.
    """

    shift: int
    mirror: Literal["none", "random", "alternating"]

    @classmethod
    def of(cls, config: TrainConfig) -> Augment:
        """Return what the settings say."""
        return cls(config.shift, config.mirror)

    def __call__(self, images: Any, share: Any, seeds: Any, turned: Any, side: int | None) -> Any:
        """Return a replica's share of a batch as it is learned.

        Parameters
        ----------
        images : uint8[B, H, W, C]
            The share.
        share : slice
            Where it stands in the batch: what is drawn is drawn for all of it.
        seeds : int32[2, 2]
        turned : bool[batch]
            Which rows an alternating mirror mirrors in this epoch.
        side : int or None
            To be resized to, unless None.
        """
        import tensorflow as tf

        if self.shift:
            images = _shifted(images, self.shift, seeds[0])
        if self.mirror != "none":
            if self.mirror == "random":
                turned = tf.random.stateless_uniform(tf.shape(turned), seeds[1]) < 0.5
            images = tf.where(turned[share][:, None, None, None], images[:, :, ::-1], images)
        return images if side is None else _resized(images, side)


def turned(seed: int, epoch: int, rows: Ints) -> npt.NDArray[np.bool_]:
    """Return bool[B], which rows an alternating mirror mirrors: each in every second epoch.

    Which rows begin is the lowest bit of a hash of seed and row (the finalizer of splitmix64).
    """
    with np.errstate(over="ignore"):
        z = rows.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z & np.uint64(1)).astype(bool) ^ bool(epoch % 2)


def _shifted(images: Any, most: int, seed: Any) -> Any:
    """Return images, all of them moved by the same few pixels."""
    import tensorflow as tf

    height, width = images.shape[1:3]
    top, left = tf.unstack(tf.random.stateless_uniform([2], seed, 0, 2 * most + 1, tf.int32))
    pad = [[0, 0], [most, most], [most, most], [0, 0]]
    return tf.pad(images, pad, "REFLECT")[:, top : top + height, left : left + width]


def _resized(images: Any, side: int) -> Any:
    """Return uint8[B, side, side, C], bilinear."""
    import tensorflow as tf

    return tf.cast(tf.round(tf.image.resize(images, [side, side])), tf.uint8)
