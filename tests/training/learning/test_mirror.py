"""A model that answers for an image and its mirror: saved, opened, asked, wrapped, and trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from training.inference.common.base import wrapped
from training.inference.spatial_smoothing import SpatialSmoothing
from training.labeled import Labeled
from training.learning.mirror import is_mirrored, mirrored, plain
from training.model import ModelView, classifier, embedder, load_model, model_digest, slopes_of

X, Y = left_or_right(12)


@pytest.fixture(scope="module", params=["small", "book"])
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return a network and the one that answers both ways."""
    import keras

    keras.utils.set_random_seed(0)
    model = built(request.param)
    return model, mirrored(model)


def test_its_features_are_the_mean_and_its_logits_follow(both: tuple[Any, Any], tmp_path: Path) -> None:
    model, whole = both
    mean = (embedder(model)(X) + embedder(model)(X[:, :, ::-1])) / 2
    np.testing.assert_allclose(embedder(whole)(X), mean, atol=1e-6)
    np.testing.assert_allclose(classifier(whole)(X), classifier(whole)(X[:, :, ::-1]), atol=1e-6)
    assert not np.allclose(classifier(whole)(X), classifier(model)(X), atol=1e-6)


def test_it_is_opened_in_safe_mode_and_has_gradients(both: tuple[Any, Any], tmp_path: Path) -> None:
    _, whole = both
    card = saved(whole, tmp_path)
    again, _ = load_model(tmp_path)
    assert np.array_equal(classifier(again)(X), classifier(whole)(X))
    assert card.weights_sha256 == model_digest(again, tmp_path / "model.keras")
    assert again.count_params() == whole.count_params()
    layers = ModelView(tmp_path).layers
    for layer in ("features", layers[1]):
        assert np.isfinite(slopes_of(again, [layer])(X, Y)[0]).all()


def test_the_network_inside_is_what_is_trained_on(both: tuple[Any, Any], tmp_path: Path) -> None:
    model, whole = both
    saved(whole, tmp_path)
    inside = plain(load_model(tmp_path)[0])
    assert not is_mirrored(inside) and {"features", "logits"} <= {layer.name for layer in inside.layers}
    assert np.array_equal(classifier(inside)(X), classifier(model)(X))
    assert plain(model) is model and mirrored(whole) is whole
    again = mirrored(inside)
    assert np.array_equal(classifier(again)(X), classifier(whole)(X))


def test_a_defense_at_inference_wraps_it(both: tuple[Any, Any], tmp_path: Path) -> None:
    _, whole = both
    wrap = wrapped(whole, [SpatialSmoothing(window=2)], Labeled(X, Y))
    saved(wrap, tmp_path)
    assert np.array_equal(classifier(load_model(tmp_path)[0])(X), classifier(wrap)(X))
