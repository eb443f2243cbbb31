"""The bound of each channel: by hand, and what it does not hang on."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.training_jobs import built

from training.repair.common.channels import norms_of
from training.repair.common.lipschitz import above_mean, channel_lipschitz


@pytest.mark.parametrize("kind", ["small", "fast", "residual"])
def test_it_is_the_largest_singular_value_of_the_kernel_and_the_norm_together(kind: str) -> None:
    model, rng = built(kind), np.random.default_rng(0)
    name, norm = next((n, m) for n, m in norms_of(model).items() if m is not None)
    layer = model.get_layer(norm)
    layer.moving_variance.assign(rng.uniform(0.1, 2, layer.moving_variance.shape))
    if layer.scale:
        layer.gamma.assign(rng.uniform(-2, 2, layer.gamma.shape))
    kernel, variance = np.asarray(model.get_layer(name).kernel), np.asarray(layer.moving_variance)
    scales = np.asarray(layer.gamma) if layer.scale else np.ones(len(variance))
    for channel, bound in enumerate(channel_lipschitz(model)[name]):
        matrix = np.stack([kernel[:, :, k, channel].ravel() for k in range(kernel.shape[2])])
        factor = abs(scales[channel]) / np.sqrt(variance[channel] + layer.epsilon)
        assert bound == pytest.approx(np.linalg.svd(matrix)[1].max() * factor, rel=1e-5)


def test_a_convolution_without_a_batch_norm_has_none() -> None:
    assert "whitening" not in channel_lipschitz(built("fast"))
    assert channel_lipschitz(built("lenet", batch_norm=False)) == {}


def test_how_far_out_a_channel_is_does_not_hang_on_the_scale_of_its_layer() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0])
    assert np.allclose(above_mean(values), above_mean(5 * values))
    assert above_mean(values)[3] == pytest.approx((10 - 4) / np.std(values, ddof=1))
    for alike in (np.ones(3), np.ones(1)):
        assert not above_mean(alike).any()
