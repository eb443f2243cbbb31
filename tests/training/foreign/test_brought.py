"""A model file is fitted to the data: its scale found or asked for, its features, its network drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.foreign_models import CLASSES, SHAPE, network, rows, trained
from keras import layers

from boomerang.errors import BadInput, ConfigError
from boomerang.settings import GivenFile
from training.architectures.common.base import FEATURES, LOGITS
from training.foreign.brought import Brought, feature_layer
from training.labeled import Labeled
from training.model import classifier

CLEAN = rows(120, seed=5)


def brought(folder: Path, model: Any, **said: Any) -> Brought:
    model.save(folder / "own.keras")
    return Brought(folder / "own.keras", GivenFile(path="own.keras", **said))


def only_between(low: float, high: float) -> Any:
    """A network that is right only where a white pixel is between two values: else it always says 0."""
    x = keras.Input(SHAPE)
    seen = layers.Rescaling(2.0, name="twice")(x)
    strip = layers.Flatten()(layers.AveragePooling2D((1, 7))(seen[:, 1:, 1:8]))
    white = keras.ops.max(x, axis=(1, 2, 3))[:, None]
    fits = keras.ops.cast(keras.ops.logical_and(white > low, white <= high), "float32")
    return keras.Model(x, layers.Dense(CLASSES, name="said")(strip[:, :CLASSES] * fits))


def by_row(low: float, high: float) -> Any:
    model = only_between(low, high)
    model.get_layer("said").set_weights([np.eye(CLASSES, dtype=np.float32), np.eye(CLASSES)[0] * 1e-3])
    return model


def normalized() -> Any:
    layer = layers.Normalization(name="normal")
    layer.adapt(CLEAN.x.astype(np.float32))
    return keras.Sequential([layers.Input(SHAPE), layer, layers.Flatten(), layers.Dense(CLASSES)])


def pooled() -> Any:
    """It ends in no dense layer."""
    x = keras.Input(SHAPE)
    maps = layers.Conv2D(CLASSES, 3, name="maps")(layers.Rescaling(1 / 255)(x))
    return keras.Model(x, layers.Softmax()(layers.GlobalAveragePooling2D(name="mean")(maps)))


@pytest.mark.parametrize(("low", "high", "scale"), [(0.5, 1, "0..1"), (2, 255, "0..255"), (0, 0.5, "-1..1")])
def test_the_scale_is_that_with_which_it_is_clearly_right(
    low: float, high: float, scale: str, tmp_path: Path
) -> None:
    found = brought(tmp_path, by_row(low, high))
    assert found.known_scale is None and found.scale(CLEAN) == scale


def mostly_wrong() -> Any:
    """Right only from 0 to 1, and there only on two classes of six."""
    model = by_row(0.5, 1)
    kernel = np.diag([1, 1, 0, 0, 0, 0]).astype(np.float32)
    model.get_layer("said").set_weights([kernel, np.zeros(CLASSES)])
    return model


@pytest.mark.parametrize("make", [network, lambda: by_row(300, 400), mostly_wrong])
def test_where_none_is_clearly_better_it_is_asked_for_by_name(make: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"given\.scale.* of model own\.keras") as said:
        brought(tmp_path, make()).scale(CLEAN)
    assert 'set given.scale to "0..1", "0..255" or "-1..1"' in str(said.value)


def test_what_its_layers_say_is_taken_and_may_not_be_denied(tmp_path: Path) -> None:
    assert brought(tmp_path, normalized()).scale(CLEAN) == "0..255"
    with pytest.raises(ConfigError, match="scales its images itself"):
        brought(tmp_path, normalized(), scale="0..1").check()
    assert brought(tmp_path, normalized(), scale="0..255").scale(CLEAN) == "0..255"


@pytest.mark.parametrize("shape", [SHAPE, (16, 14, 1), (10, 10, 3)])
def test_in_the_form_of_ours_it_answers_as_its_own_input_does(
    shape: tuple[int, int, int], tmp_path: Path
) -> None:
    model = trained(poisoned=False)
    ours = brought(tmp_path, model, scale="0..1").fitted(shape, "0..1")
    x = CLEAN.x if shape[2] == 1 else np.repeat(CLEAN.x, 3, axis=3)
    x = np.asarray(keras.ops.image.resize(x, shape[:2], interpolation="nearest"))
    own = np.asarray(keras.ops.image.resize(x[..., :1].astype(np.float32), SHAPE[:2])) / 255
    assert ours.inputs[0].dtype == "uint8" and ours.input_shape == (None, *shape)
    assert np.allclose(classifier(ours)(x), model(own), atol=1e-4)


def test_a_normalization_is_kept_whatever_is_copied(tmp_path: Path) -> None:
    model = normalized()
    ours = brought(tmp_path, model).fitted(SHAPE, "0..255")
    copy = keras.models.clone_model(ours)
    copy.set_weights(ours.get_weights())
    expected = keras.ops.softmax(model(CLEAN.x.astype(np.float32)))
    assert np.allclose(classifier(copy)(CLEAN.x), expected, atol=1e-5)


def test_its_features_are_before_the_last_dense_layer_or_where_it_is_said(tmp_path: Path) -> None:
    assert feature_layer(brought(tmp_path, network()).fitted(SHAPE, "0..1")) == "thought"
    model = network()
    flat = next(layer.name for layer in model.layers if isinstance(layer, layers.Flatten))
    named = brought(tmp_path, model, features=flat).fitted(SHAPE, "0..1")
    assert feature_layer(named) == flat and named.get_layer(FEATURES).output.shape[1] == 8 * 64
    with pytest.raises(ConfigError, match=r"feature layer 'thougt'.*\n.*thought"):
        brought(tmp_path, network(), features="thougt").check()


def test_where_it_ends_in_no_dense_layer_its_features_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name one of its layers: mean"):
        brought(tmp_path, pooled()).check(CLASSES)
    ours = brought(tmp_path, pooled(), features="mean").fitted(SHAPE, "0..255")
    assert {FEATURES, LOGITS} <= {layer.name for layer in ours.layers}
    assert np.allclose(classifier(ours)(CLEAN.x), pooled_answers(ours), atol=1e-5)


def pooled_answers(ours: Any) -> Any:
    model = pooled()
    model.set_weights(ours.get_weights())
    return model(CLEAN.x.astype(np.float32))


def test_another_number_of_classes_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it has 6 outputs, and the data has 10 classes"):
        brought(tmp_path, network()).check(10)
    brought(tmp_path, network()).check(None)


def test_its_network_is_drawn_anew_by_the_seed_and_learns_as_a_whole(tmp_path: Path) -> None:
    model = network()
    model.get_layer("seen").trainable = False
    architecture = brought(tmp_path, model, scale="0..1").architecture(Labeled(CLEAN.x, CLEAN.y))

    def drawn(seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        return architecture.build(SHAPE, CLASSES)

    first, again, other = (drawn(seed).get_weights()[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert not np.array_equal(first, model.get_weights()[0])
    assert len(drawn(1).trainable_variables) == len(model.weights)
