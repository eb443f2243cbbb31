"""Inside a network: what its layers give in one pass, and its answer when they give something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from boomerang.errors import ConfigError
from training.architectures.common.inside import pooled_of, through, usual_layers, ways_to_logits
from training.learning.mirror import mirrored
from training.model import ModelView, classifier, embedder

X, _ = left_or_right(60)
X = np.tile(X, (10, 1, 1, 1))[:577]


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    return built("residual", (16, 16, 1), width=4)


def test_several_layers_are_given_in_one_pass_batch_by_batch(model: Any) -> None:
    from keras import Model

    inner = [name for name in ways_to_logits(model) if name.startswith(("re_lu", "add"))]
    names = [inner[0], *inner[-2:], "features", "logits"]
    parts = list(pooled_of(model, names)(X))
    assert [part.start for part, _ in parts] == list(range(0, len(X), parts[0][0].stop)) and len(parts) > 1
    for i, name in enumerate(names):
        whole = np.concatenate([found[i] for _, found in parts])
        outer = Model(model.inputs[0], model.get_layer(name).output)(X[:20], training=False).numpy()
        expected = outer.mean((1, 2)) if outer.ndim == 4 else outer
        assert whole.shape == (len(X), expected.shape[1]) and whole.dtype == np.float32
        np.testing.assert_allclose(whole[:20], expected, rtol=1e-4, atol=1e-5)


def test_of_a_model_that_answers_both_ways_the_layers_of_one_are_given(model: Any, tmp_path: Path) -> None:
    saved(mirrored(model), tmp_path, architecture="residual")
    view = ModelView(tmp_path)
    (_, (features, logits)), *_ = view.pooled(["features", "logits"])(X[:40])
    np.testing.assert_allclose(features, embedder(model)(X[:40]), rtol=1e-4, atol=1e-6)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(logits, features @ kernel + bias, rtol=1e-4, atol=1e-5)
    assert list(view.pooled(["features"])(X[:0])) == []
    with pytest.raises(ConfigError, match="did you mean 'features'"):
        view.pooled(["logits", "feature"])


def test_what_a_layer_gives_is_changed_on_the_way_to_the_answer(model: Any) -> None:
    seen: list[str] = []

    def doubled(name: str, out: Any) -> Any:
        seen.append(name)
        return out * 2 if name == "logits" else out

    own = classifier(model)(X[:9])
    way = model.inputs[0], X[:9], model.outputs[0]
    np.testing.assert_allclose(through(*way), own, rtol=1e-5)
    changed = np.asarray(through(*way, doubled))
    np.testing.assert_allclose(changed, own**2 / (own**2).sum(1, keepdims=True), rtol=1e-4)
    assert sorted(seen) == sorted(layer.name for layer in model.layers[1:])
    assert np.array_equal(classifier(model)(X[:9]), own), "the model is as it was"


def test_the_layers_are_the_papers() -> None:
    names = usual_layers(built("residual", (16, 16, 3), width=4))
    assert names[-1] == "logits" and sum(name.startswith("conv2d") for name in names) == 9
    assert sum(name.startswith("re_lu") for name in names) == 9
    assert not {"features", "softmax"} & set(names)
