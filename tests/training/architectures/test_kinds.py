"""Every architecture there is: what is promised of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from boomerang.config import Spec, validate
from boomerang.errors import ConfigError
from boomerang.settings import ModelConfig, TrainConfig
from training.architectures import ARCHITECTURES
from training.architectures.common.base import fresh
from training.fit import fit, seed_everything, solve
from training.labeled import Labeled
from training.learning.mirror import mirrored
from training.model import ModelView, classifier, load_model, weights_digest

X, Y = left_or_right(60)
STEPWISE = [each for each in ARCHITECTURES if ARCHITECTURES[each].in_steps]


@pytest.fixture(params=ARCHITECTURES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=STEPWISE)
def stepwise(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def example(kind: str, shape: tuple[int, int, int] = (16, 16, 1), classes: int = 2) -> Any:
    return built(kind, shape, classes, **ARCHITECTURES[kind].example)


def test_it_says_what_it_is(kind: str) -> None:
    architecture = ARCHITECTURES.create(Spec(kind=kind))
    assert architecture.title and architecture.words and architecture.__doc__
    settings = ModelConfig(architecture=kind, **ARCHITECTURES[kind].example)
    assert ARCHITECTURES.create(settings.spec).kind == kind


@pytest.mark.parametrize(
    ("shape", "classes"),
    [((16, 16, 1), 2), ((55, 47, 3), 10), ((96, 96, 3), 200)],
)
def test_it_is_built_for_the_images_and_the_classes(
    kind: str, shape: tuple[int, int, int], classes: int
) -> None:
    model = example(kind, shape, classes)
    assert model.input_shape == (None, *shape) and model.output_shape == (None, classes)
    assert model.inputs[0].dtype == "uint8"
    answers = classifier(model)(np.zeros((3, *shape), np.uint8))
    assert np.allclose(answers.sum(1), 1, atol=1e-5)
    assert len(model.get_layer("features").output.shape) == 2
    assert model.get_layer("logits").output.shape == (None, classes)


def test_its_logits_are_linear_in_its_features(kind: str) -> None:
    """So that the mean of two images' features has the mean of their logits."""
    model = example(kind)
    ask = keras.Model(model.inputs[0], [model.get_layer(name).output for name in ("features", "logits")])
    features, logits = (np.asarray(each) for each in ask(X))
    kernel, *bias = model.get_layer("logits").get_weights()
    assert np.allclose(features @ kernel + sum(bias), logits, atol=1e-5)


def test_it_has_batch_norms_for_the_repairs_that_work_on_them(stepwise: str) -> None:
    norms = [each for each in example(stepwise).layers if isinstance(each, keras.layers.BatchNormalization)]
    assert norms and all(each.center for each in norms)


def test_its_recipe_is_of_settings_that_there_are(kind: str) -> None:
    recipe = ARCHITECTURES[kind].recipe
    assert recipe.items() <= TrainConfig.model_validate(dict(recipe)).model_dump().items()


@pytest.mark.parametrize("named", ARCHITECTURES)
def test_it_says_which_images_are_too_small_or_takes_the_smallest(named: str) -> None:
    try:
        model = example(named, (6, 16, 1))
    except ConfigError as error:
        assert "6 x 16" in str(error) and named in str(error)
    else:
        assert classifier(model)(np.zeros((1, 6, 16, 1), np.uint8)).shape == (1, 2)


def test_what_it_prepares_hangs_on_the_rows_alone(kind: str) -> None:
    digests = []
    for rows in (X, X, X[::-1] // 2):
        seed_everything(0)
        model = example(kind)
        ARCHITECTURES[kind]().prepare(model, rows)
        digests.append(weights_digest(model))
    assert digests[0] == digests[1]
    assert (digests[0] != digests[2]) == (kind == "fast")


def test_it_can_be_trained_saved_opened_and_asked(kind: str, tmp_path: Path) -> None:
    seed_everything(0)
    model = example(kind)
    before = weights_digest(model)
    if ARCHITECTURES[kind].in_steps:
        fit(model, X, Y, (X, Y), TrainConfig(epochs=1, batch=32), 0)
    else:
        model, _ = solve(ARCHITECTURES.create(Spec(kind=kind)), Labeled(X, Y), Labeled(X, Y), 2)
    saved(model, tmp_path, architecture=kind)
    opened, card = load_model(tmp_path)
    assert np.array_equal(classifier(opened)(X), classifier(model)(X)) and weights_digest(opened) != before
    view = ModelView(tmp_path)
    assert (
        view.embed(X).shape[0] == 60 and view.layers[-1] == view.layers[view.layers.index("features") :][-1]
    )
    assert np.isfinite(view.slopes(["features"])(X, Y)[0]).all() and card.architecture == kind


@pytest.mark.parametrize("named", [each for each in ARCHITECTURES if ARCHITECTURES[each].recipe])
def test_its_recipe_trains_it_at_several_sizes_and_what_is_saved_opens(named: str, tmp_path: Path) -> None:
    seed_everything(0)
    architecture = ARCHITECTURES.create(Spec(kind=named, **ARCHITECTURES[named].example))
    config = validate(
        TrainConfig, {**architecture.recipe, "epochs": 2, "batch": 30, "sizes": (24, 16)}, where="[train]"
    )
    model = fresh(architecture, Labeled(X, Y), ("0", "1"))
    fit(model, X, Y, (X, Y), config, 0, rates=architecture.rates)
    whole = mirrored(model)
    saved(whole, tmp_path, architecture=named)
    answers = classifier(load_model(tmp_path)[0])(X)
    assert np.array_equal(answers, classifier(whole)(X))
    assert np.allclose(answers, classifier(whole)(X[:, :, ::-1]), atol=1e-5)


def test_the_same_seed_builds_the_same(stepwise: str) -> None:
    digests = []
    for seed in (0, 0, 1):
        seed_everything(seed)
        digests.append(weights_digest(example(stepwise)))
    assert digests[0] == digests[1] != digests[2]
