"""What the weights alone say: how much channels amplify, and how each class is drawn from the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.architectures.common.base import LOGITS
from training.architectures.common.inside import Floats
from training.repair.common.lipschitz import Doubles, above_mean, channel_lipschitz

CHANNELS_SOURCE = "Zheng et al. 2022 (CLP)"
# Above the mean of a layer by so many standard deviations, as CLP prunes.
FAR = 3.0
# Of a robust z, as it is usual for an outlier (Iglewicz and Hoaglin 1993).
ODD = 3.5
_MAD = 1.4826


@dataclass(frozen=True)
class LayerSpectrum:
    """The channels of a convolution.

    Attributes
    ----------
    layer : str
    bounds : float64[C]
        See `channel_lipschitz`.
    """

    layer: str
    bounds: Doubles

    @property
    def far(self) -> tuple[int, ...]:
        """The channels more than three standard deviations above the layer's mean."""
        return tuple(int(k) for k in np.flatnonzero(above_mean(self.bounds) > FAR))


@dataclass(frozen=True)
class HeadSpectrum:
    """The columns of the last dense layer.

    Attributes
    ----------
    norms, biases : float32[K]
        Of each class the norm of its column, and its bias.
    norms_z, biases_z : float32[K]
        Robust z of both: distance from the median in 1.4826 MAD.
    """

    norms: Floats
    biases: Floats
    norms_z: Floats
    biases_z: Floats

    @property
    def odd(self) -> tuple[int, ...]:
        """The classes whose column or bias is more than 3.5 above the median."""
        return tuple(int(k) for k in np.flatnonzero(np.maximum(self.norms_z, self.biases_z) > ODD))


def channels_of(model: Any) -> tuple[LayerSpectrum, ...]:
    """Return the spectrum of each convolution that a batch norm follows, from the images on.

    Parameters
    ----------
    model : keras.Model
        With a layer named `logits`.
    """
    return tuple(LayerSpectrum(layer, bounds) for layer, bounds in channel_lipschitz(model).items())


def head_of(model: Any) -> HeadSpectrum | None:
    """Return the spectrum of the last dense layer; None where `logits` is none."""
    import keras

    head = model.get_layer(LOGITS)
    if not isinstance(head, keras.layers.Dense):
        return None
    norms = np.linalg.norm(np.asarray(head.kernel, np.float32), axis=0)
    biases = np.asarray(head.bias, np.float32) if head.use_bias else np.zeros_like(norms)
    return HeadSpectrum(norms, biases, robust_z(norms), robust_z(biases))


def robust_z(values: Floats) -> Floats:
    """Return float32[K], how far each value lies above the median, in 1.4826 MAD; 0 where there is no spread.

    >>> robust_z(np.float32([1, 2, 3, 4, 50])).round(2)
    array([-1.35, -0.67,  0.  ,  0.67, 31.7 ], dtype=float32)
    """
    above = values - np.median(values)
    spread = _MAD * np.median(np.abs(above))
    return np.asarray(above / spread if spread else np.zeros_like(above), np.float32)
