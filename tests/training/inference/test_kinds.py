"""Every defense at inference there is: what it wraps is a model like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from boomerang.config import Spec
from boomerang.settings import TrainConfig
from training.fit import fit, seed_everything
from training.harden import parts
from training.inference import INFERENCE
from training.inference.common.base import InferenceDefense, wrapped
from training.labeled import Labeled
from training.model import ModelView, classifier, load_model, weights_digest

X, Y = left_or_right(240)
TRUSTED = Labeled(X[:140], Y[:140])


@pytest.fixture(scope="module", params=INFERENCE)
def defense(request: pytest.FixtureRequest) -> InferenceDefense:
    kind = str(request.param)
    return INFERENCE.create(Spec(kind=kind, **INFERENCE[kind].example))


def trained() -> Any:
    seed_everything(0)
    model = built()
    fit(model, X, Y, (X, Y), TrainConfig(epochs=6, batch=16), 0)
    return model


def test_it_says_what_it_is(defense: InferenceDefense) -> None:
    assert defense.title and defense.source and type(defense).__doc__


def test_what_it_wraps_is_a_model_like_any_other(defense: InferenceDefense, tmp_path: Path) -> None:
    """Saved and opened in safe mode, asked for answers, features and gradients; twice around, too."""
    model = trained()
    plain = saved(model, tmp_path / "plain")
    for times in (1, 2):
        whole = wrapped(model, [defense] * times, TRUSTED)
        folder = tmp_path / str(times)
        card = saved(whole, folder, inference=parts([defense] * times))
        opened, _ = load_model(folder)
        answers = classifier(opened)(X)
        assert np.array_equal(answers, classifier(whole)(X), equal_nan=True) and answers.shape == (240, 2)
        refused = np.isnan(answers).all(1)
        assert np.allclose(answers[~refused].sum(1), 1, atol=1e-5)
        assert np.mean(refused[:140]) <= times * 0.03 if defense.refuses else not refused.any()
        assert opened.input_shape == model.input_shape and opened.inputs[0].dtype == "uint8"
        assert card.weights_sha256 != plain.weights_sha256
        assert [part.kind for part in card.inference] == [defense.kind] * times
        view = ModelView(folder, (16, 16, 1))
        assert view.embed(X).shape == (240, 96) and view.layers[-1] == "features"
        assert view.slopes(["features"])(X, Y)[0].shape == (240, 96)
    assert np.mean(classifier(model)(X).argmax(1) == Y) > 0.9, "what was wrapped is as it was"


@pytest.mark.whole
def test_the_same_model_wrapped_twice_is_the_same_file(defense: InferenceDefense, tmp_path: Path) -> None:
    for name in ("one", "other"):
        saved(wrapped(trained(), [defense], TRUSTED), tmp_path / name)
    one, other = (tmp_path / name / "model.keras" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_without_any_the_model_stays_what_it_is() -> None:
    model = built()
    assert wrapped(model, [], TRUSTED) is model and weights_digest(model) == weights_digest(model)
