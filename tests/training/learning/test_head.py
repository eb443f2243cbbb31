"""The transfer setting: features stay to the bit, a new last layer is learned on them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig
from training.architectures.common.base import LOGITS
from training.fit import fit, seed_everything
from training.learning.descent import honest_loss
from training.learning.head import drawn_anew, new_head


def _by_layer(model: Any) -> dict[str, list[Any]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}


@pytest.fixture
def model() -> Any:
    """Return a network whose dropout and batch norms would change what it learns on."""
    seed_everything(0)
    return built()


def test_a_last_layer_without_weights_cannot_be_drawn_anew() -> None:
    """Of a given model that ends in no dense layer, `logits` is a layer that does nothing."""
    x = keras.Input((4,))
    with pytest.raises(ConfigError, match="no last layer to draw anew"):
        drawn_anew(keras.Model(x, keras.layers.Activation("linear", name=LOGITS)(x)))


def test_the_head_alone_changes_and_learns(model: Any) -> None:
    x, y = left_or_right(200)
    before, flags = _by_layer(model), [layer.trainable for layer in model.layers]
    config = TrainConfig(epochs=10, batch=20, learning_rate=0.1)
    with new_head(model):
        drawn = model.get_layer(LOGITS).get_weights()
        history = fit(model, x, y, (x, y), config, 0, loss=honest_loss(config, frozen=True))
    after = _by_layer(model)
    changed = [
        name
        for name in before
        if any(map(np.any, (a != b for a, b in zip(before[name], after[name], strict=True))))
    ]
    assert changed == [LOGITS]
    assert not np.array_equal(drawn[0], before[LOGITS][0]), "it forgets what it knew"
    assert history["val_accuracy"][-1] > 0.9
    assert [layer.trainable for layer in model.layers] == flags


def test_every_layer_learns_again_after_a_training_that_fails(model: Any) -> None:
    flags = [layer.trainable for layer in model.layers]
    with pytest.raises(RuntimeError), new_head(model):
        raise RuntimeError
    assert [layer.trainable for layer in model.layers] == flags
