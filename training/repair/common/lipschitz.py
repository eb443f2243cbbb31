"""How much each channel of a convolution can amplify: its Lipschitz bound (Zheng et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from training.repair.common.channels import norms_of

Doubles = npt.NDArray[np.float64]


def channel_lipschitz(model: Any) -> dict[str, Doubles]:
    """Return the upper bound of each channel's Lipschitz constant, of convolutions that a batch norm follows.

    After Zheng et al. (Data-free Backdoor Removal based on Channel Lipschitzness, ECCV 2022), section 4: the
    largest singular value of the channel's kernel, as a matrix of its input channels by the positions of its
    window, times |scale| / sqrt(moving variance + epsilon) of the batch norm; a norm without scale counts as
    one of scale 1. No data is needed.

    Parameters
    ----------
    model : keras.Model
        With a layer named `logits`.

    Returns
    -------
    dict of str to float64[C]
        By the name of the convolution, from the images on; empty where no batch norm follows one.
    """
    return {
        name: _amplified(model.get_layer(name), model.get_layer(norm))
        for name, norm in norms_of(model).items()
        if norm is not None
    }


def _amplified(convolution: Any, norm: Any) -> Doubles:
    kernel = np.asarray(convolution.kernel, np.float64)  # [h, w, inputs, C]
    matrices = kernel.reshape(-1, *kernel.shape[2:]).transpose(2, 1, 0)
    largest = np.linalg.norm(matrices, 2, axis=(1, 2))
    deviation = np.sqrt(np.asarray(norm.moving_variance, np.float64) + norm.epsilon)
    scale = np.abs(np.asarray(norm.gamma, np.float64)) if norm.scale else 1.0
    return np.asarray(largest * scale / deviation)


def above_mean(values: Doubles) -> Doubles:
    """Return float64[C], how many standard deviations of its layer each channel is above the mean.

    Zero where all are alike, as of a layer of one channel.
    """
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    return (values - values.mean()) / deviation if deviation > 0 else np.zeros(len(values))
