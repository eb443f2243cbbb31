"""Altered victims: amplified as numpy does it, with dropout that is the same when it is asked again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built

from boomerang.errors import BadInput
from processing.defenses.common.altered_models import amplified, block_ends, dropped
from training.architectures import ARCHITECTURES
from training.model import norms

X = np.random.default_rng(0).integers(0, 256, (30, 12, 12, 3), np.uint8)


def softmax(logits: Any) -> Any:
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def one_norm(*, scale: bool = True) -> Any:
    """Return a network with one batch norm, its weights and statistics drawn."""
    import keras
    from keras import layers

    network = keras.Sequential(
        [
            layers.Input((12, 12, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(name="flat"),
            layers.Dense(6, name="dense"),
            layers.BatchNormalization(scale=scale, name="norm"),
            layers.ReLU(name="features"),
            layers.Dense(4, name="logits"),
            layers.Softmax(),
        ]
    )
    rng = np.random.default_rng(1)
    network.set_weights(
        [rng.uniform(0.2, 1, w.shape) * rng.choice([-0.2, 0.3], w.shape) for w in network.get_weights()]
    )
    norm = network.get_layer("norm")
    norm.moving_variance.assign(rng.uniform(0.5, 2, 6))
    norm.moving_mean.assign(rng.normal(0, 1, 6))
    return network


def by_numpy(network: Any, factor: float) -> Any:
    """Return the answers to X with the norm's scale and shift multiplied."""
    kernel, bias = network.get_layer("dense").get_weights()
    *gamma, beta, mean, variance = network.get_layer("norm").get_weights()
    inner = (X.reshape(len(X), -1) / 255) @ kernel + bias
    normed = (inner - mean) / np.sqrt(variance + 1e-3)
    out = factor * (gamma[0] if gamma else 1) * normed + factor * beta
    head, shift = network.get_layer("logits").get_weights()
    return softmax(np.maximum(out, 0) @ head + shift)


@pytest.mark.parametrize("scale", [True, False])
def test_amplified_is_what_a_scale_and_a_shift_times_the_factor_give(scale: bool) -> None:
    network = one_norm(scale=scale)
    before = [each.copy() for each in network.get_weights()]
    ((part, answers),) = amplified(network, norms(network))(X, np.array([[1], [1.5]], np.float32))
    assert part == slice(0, 30) and answers.shape == (2, 30, 4)
    assert np.array_equal(answers[0], network(X, training=False).numpy())
    np.testing.assert_allclose(answers[1], by_numpy(network, 1.5), rtol=1e-4, atol=1e-6)
    assert np.abs(answers[1] - answers[0]).max() > 0.01
    assert all(map(np.array_equal, before, network.get_weights()))


def test_norms_and_the_ends_of_blocks_are_found_in_every_architecture() -> None:
    ends = {"book": "dropout", "lenet": "dropout", "residual": "add", "small": "re_lu", "fast": "re_lu"}
    for kind, name in ends.items():
        network = built(kind, (16, 16, 3))
        assert block_ends(network)[0].startswith(name) and len(norms(network)) > 2, kind
    bare = built("lenet", (16, 16, 3), batch_norm=False)
    assert norms(bare) == () and set(ends) < set(ARCHITECTURES)


def test_dropout_leaves_out_a_share_and_keeps_the_mean() -> None:
    """GIVEN logits that add up what is there THEN they say what was left out."""
    import keras
    from keras import layers

    network = keras.Sequential(
        [
            layers.Input((12, 12, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(name="features"),
            layers.Dense(1, name="logits"),
        ]
    )
    network.set_weights([np.ones((432, 1)), np.zeros(1)])
    assert block_ends(network) == ("features",)
    ask = dropped(network, ["features"], seed=3)
    x = np.full((1200, 12, 12, 3), 255, np.uint8)
    answers = np.concatenate([found for _, found in ask(x, 0.75, 2)], axis=1)[..., 0]
    assert np.array_equal(answers[0], np.full(1200, 432)), "the first is the network's own"
    kept = answers[1:] / 4
    assert np.array_equal(kept, kept.round()) and abs(kept.mean() - 432 / 4) < 1
    assert abs(kept.std() - np.sqrt(432 * 0.75 * 0.25)) < 0.5
    assert not np.array_equal(kept[0], kept[1]) and not np.array_equal(kept[:, :500], kept[:, 500:1000])
    again = np.concatenate([found for _, found in ask(x, 0.75, 2)], axis=1)[..., 0]
    other = next(dropped(network, ["features"], seed=4)(x, 0.75, 2))[1][..., 0]
    assert np.array_equal(answers, again) and not np.array_equal(other[1], answers[1, :500])


def test_a_victim_that_answers_no_number_is_refused() -> None:
    network = one_norm()
    network.get_layer("logits").bias.assign(np.full(4, np.nan))
    with pytest.raises(BadInput, match="not finite"):
        next(amplified(network, ["norm"])(X, np.ones((1, 1), np.float32)))
    with pytest.raises(BadInput, match="not finite"):
        next(dropped(network, ["features"], 0)(X, 0.5, 1))
