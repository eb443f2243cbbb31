"""A foreign model answers in the form of ours as it did in its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.foreign_models import SHAPE, network, rows
from helpers.training_jobs import built
from keras import layers

from boomerang.errors import BadInput, UsageError
from boomerang.safeio import load_foreign_model
from training.architectures.common.base import FEATURES, LOGITS
from training.foreign.adopted import adopt, logits_of, white_of
from training.model import classifier

X = rows(12).x


def within() -> Any:
    """A model within a model, with names of ours inside."""
    named = keras.Sequential([layers.Input(SHAPE), layers.Conv2D(3, 3, name=FEATURES), layers.Flatten()])
    head = layers.Dense(4, name=LOGITS)(named(layers.Rescaling(1 / 255)(x := keras.Input(SHAPE))))
    return keras.Model(x, layers.Softmax()(head))


def nested() -> Any:
    return keras.Sequential([layers.Input(SHAPE), layers.Rescaling(1 / 255), network()])


def operations() -> Any:
    x = keras.Input(SHAPE)
    return keras.Model(x, keras.ops.softmax(layers.Dense(3)(layers.Flatten()(x / 255.0))))


def averaged() -> Any:
    """Its last layer is no dense one, and gives probabilities."""
    x = keras.Input(SHAPE)
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(x))
    return keras.Model(x, layers.Average()([layers.Dense(4, activation="softmax")(flat) for _ in range(2)]))


def plain_logits() -> Any:
    return keras.Sequential(
        [layers.Input(SHAPE), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(4)]
    )


@pytest.mark.parametrize(
    ("make", "white"), [(within, None), (nested, None), (operations, 255.0), (averaged, None), (network, 1.0)]
)
def test_it_answers_as_before(make: Any, white: float | None) -> None:
    model = make()
    ours = adopt(model, white)
    expected = np.asarray(model(X.astype(np.float32) / (255 if white == 1 else 1)))
    assert np.allclose(classifier(ours)(X), expected, atol=1e-6)
    logits = np.asarray(logits_of(ours)(X / np.float32(255)))
    odds = np.exp(logits - logits.max(1, keepdims=True))
    assert np.allclose(odds / odds.sum(1, keepdims=True), expected, atol=1e-5)
    assert len({layer.name for layer in ours.layers}) == len(ours.layers)


def test_logits_become_probabilities() -> None:
    model = plain_logits()
    ours = adopt(model, None)
    assert np.allclose(
        np.asarray(logits_of(ours)(X / np.float32(255))), model(X.astype(np.float32)), atol=1e-4
    )
    assert np.allclose(classifier(ours)(X).sum(1), 1, atol=1e-5)


def test_it_is_a_copy_with_layers_that_ours_have() -> None:
    model = network()
    ours = adopt(model, 1.0)
    assert ours.get_layer(FEATURES).output.shape == (None, 16)
    assert ours.get_layer(LOGITS).output.shape == (None, 6)
    before = model.get_weights()
    ours.set_weights([np.zeros_like(each) for each in ours.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_one_of_ours_stays_as_it_is() -> None:
    model = built()
    assert adopt(model, None) is model and white_of(model) == 255


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_what_its_layers_say_they_say_when_it_was_opened_too(kind: str, tmp_path: Path) -> None:
    for model, white in ((plain_logits(), 255), (network(), None)):
        model.save(tmp_path / f"m.{kind}")
        assert white_of(load_foreign_model(tmp_path / f"m.{kind}")) == white


def test_what_its_layers_do_not_say_has_to_be_told_and_what_they_say_may_not_be_denied() -> None:
    with pytest.raises(UsageError, match="give --scale 1 or --scale 255"):
        adopt(network(), None)
    with pytest.raises(UsageError, match="scales its images itself"):
        adopt(nested(), 1.0)


@pytest.mark.parametrize(
    ("shape", "units", "said"),
    [
        ((10, 10, 2), 4, "2 channels"),
        ((None, None, 3), 4, "not images of one size"),
        ((100,), 4, "not images of one size"),
        (SHAPE, 1, "answers with"),
    ],
)
def test_what_is_no_classifier_of_images_is_refused(shape: tuple[int, ...], units: int, said: str) -> None:
    x = keras.Input(shape)
    flat = layers.GlobalAveragePooling2D()(x) if len(shape) == 3 else x
    with pytest.raises(BadInput, match=said):
        adopt(keras.Model(x, layers.Dense(units)(flat)), 1.0)


def test_two_inputs_are_refused() -> None:
    pair = [keras.Input(SHAPE), keras.Input(SHAPE)]
    with pytest.raises(BadInput, match="2 inputs"):
        adopt(keras.Model(pair, layers.Dense(3)(layers.Flatten()(layers.Add()(pair)))), 1.0)
