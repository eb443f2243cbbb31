"""How a logit hangs on what layers give: held against a tape of one row, for several layers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.memory import risen
from helpers.training_jobs import built, left_or_right, saved

from boomerang.errors import ConfigError
from training.architectures import ARCHITECTURES
from training.architectures.common.slopes import convolutions_of, slopes_of
from training.learning.mirror import mirrored
from training.model import ModelView

X, Y = left_or_right(4)
CONVOLUTIONS = {"badnet": 4, "book": 6, "fast": 7, "lenet": 2, "residual": 12, "small": 3, "svm": 0}


def on_a_tape(model: Any, layers: tuple[str, ...], row: int) -> list[np.ndarray]:
    """The gradients of the logit of one row's class, averaged over positions, in eager mode."""
    import tensorflow as tf

    found = []
    for layer in layers:
        until = keras.Model(model.inputs[0], model.get_layer(layer).output)
        after = keras.Model(model.get_layer(layer).output, model.get_layer("logits").output)
        inner = tf.Variable(until(X[row : row + 1]))
        with tf.GradientTape() as tape:
            logit = after(inner, training=False)[0, Y[row]]
        found.append(tape.gradient(logit, inner).numpy()[0].mean((0, 1)))
    return found


@pytest.mark.parametrize("kind", ["small", "book"])
def test_all_layers_at_once_are_what_a_tape_says_of_one_row(kind: str) -> None:
    keras.utils.set_random_seed(0)
    model = built(kind)
    layers = convolutions_of(model)
    together = slopes_of(model, layers)(X, Y)
    assert [each.shape for each in together] == [(4, model.get_layer(one).filters) for one in layers]
    for row in range(2):
        for got, expected in zip(together, on_a_tape(model, layers, row), strict=True):
            np.testing.assert_allclose(got[row], expected, rtol=1e-4, atol=1e-6)
            assert got.dtype == np.float32 and np.abs(expected).max() > 0
    alone = slopes_of(model, layers[:1])(X, Y)[0]
    np.testing.assert_allclose(alone, together[0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_convolutions_of_every_architecture_are_named_in_order(kind: str) -> None:
    model = built(kind)
    names = convolutions_of(model)
    kept = [each.name for each in model.layers if isinstance(each, keras.layers.Conv2D)]
    assert sorted(names) == sorted(kept) and len(names) == CONVOLUTIONS.get(kind, len(names))
    assert kind == "residual" or list(names) == kept
    if names:
        assert convolutions_of(mirrored(model)) == names


def test_a_view_gives_them_and_names_the_nearest_of_an_unknown_layer(tmp_path: Path) -> None:
    saved(built(), tmp_path)
    view = ModelView(tmp_path)
    first, second = view.slopes(view.convolutions[:2])(X, Y)
    np.testing.assert_allclose(second, view.slopes([view.convolutions[1]])(X, Y)[0], rtol=1e-5, atol=1e-8)
    assert first.shape == (4, 32) and [len(each) for each in view.slopes(["features"])(X[:0], Y[:0])] == [0]
    with pytest.raises(ConfigError, match="did you mean 'features'"):
        view.slopes(["features", "feature"])


def test_what_is_held_does_not_grow_with_the_rows() -> None:
    """GIVEN 6,000 rows, whose maps together would take 98 MB, THEN no more than batches of them are held."""
    images = keras.Input((16, 16, 1), dtype="uint8")
    maps = keras.layers.Conv2D(16, 3, padding="same")(keras.layers.Rescaling(1.0)(images))
    maps = keras.layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(images, keras.layers.Dense(2, name="logits")(maps))
    ask = slopes_of(model, convolutions_of(model))
    x, y = np.zeros((6000, 16, 16, 1), np.uint8), np.zeros(6000, np.int64)
    ask(x[:1000], y[:1000])
    with risen() as rise:
        (found,) = ask(x, y)
    assert found.shape == (6000, 16) and rise.bytes < 40 << 20
