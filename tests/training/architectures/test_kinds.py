"""Every architecture there is: what is promised of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from boomerang.config import Spec
from boomerang.settings import ModelConfig, TrainConfig
from training.architectures import ARCHITECTURES
from training.fit import fit, seed_everything
from training.model import ModelView, classifier, load_model, weights_digest

X, Y = left_or_right(60)


@pytest.fixture(params=ARCHITECTURES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def example(kind: str, shape: tuple[int, int, int] = (16, 16, 1), classes: int = 2) -> Any:
    return built(kind, shape, classes, **ARCHITECTURES[kind].example)


def test_it_says_what_it_is(kind: str) -> None:
    architecture = ARCHITECTURES.create(Spec(kind=kind))
    assert architecture.title and architecture.words and architecture.__doc__
    settings = ModelConfig(architecture=kind, **ARCHITECTURES[kind].example)
    assert ARCHITECTURES.create(settings.spec).kind == kind


def test_it_is_built_for_the_images_and_the_classes(kind: str) -> None:
    for shape, classes in (((16, 16, 1), 2), ((32, 32, 3), 10)):
        model = example(kind, shape, classes)
        assert model.input_shape == (None, *shape) and model.output_shape == (None, classes)
        assert model.inputs[0].dtype == "uint8"
        answers = classifier(model)(np.zeros((3, *shape), np.uint8))
        assert np.allclose(answers.sum(1), 1, atol=1e-5)
        assert len(model.get_layer("features").output.shape) == 2
        assert model.get_layer("logits").output.shape == (None, classes)


def test_it_can_be_trained_saved_opened_and_asked(kind: str, tmp_path: Path) -> None:
    seed_everything(0)
    model = example(kind)
    before = weights_digest(model)
    fit(model, X, Y, (X, Y), TrainConfig(epochs=1, batch=32), 0)
    saved(model, tmp_path, architecture=kind)
    opened, card = load_model(tmp_path)
    assert np.array_equal(classifier(opened)(X), classifier(model)(X)) and weights_digest(opened) != before
    view = ModelView(tmp_path)
    assert (
        view.embed(X).shape[0] == 60 and view.layers[-1] == view.layers[view.layers.index("features") :][-1]
    )
    assert np.isfinite(view.gradients("features")(X, Y)).all() and card.architecture == kind


def test_the_same_seed_builds_the_same(kind: str) -> None:
    digests = []
    for seed in (0, 0, 1):
        seed_everything(seed)
        digests.append(weights_digest(example(kind)))
    assert digests[0] == digests[1] != digests[2]
