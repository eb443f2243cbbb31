"""A support vector machine as a network: it says what scikit-learn's says, and takes no steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import finished, lay_out, left_or_right, saved, screened
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from boomerang.config import Spec
from boomerang.contract import Job
from boomerang.errors import BadInput, ConfigError
from boomerang.settings import TrainConfig
from training.architectures.svm import Svm
from training.fit import NUMBERS, solve
from training.harden import harden
from training.labeled import Labeled
from training.model import ModelView, classifier, embedder, load_model
from training.repair.common.bench import Bench
from training.train import train


def blobs(rows: int, classes: int, seed: int = 0) -> Labeled:
    """Return noisy images whose mean brightness and halves say the class, some of them wrongly."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    centers = np.random.default_rng(7).integers(60, 190, (classes, 6, 5, 3))
    x = np.clip(centers[y] + rng.normal(0, 60, (rows, 6, 5, 3)), 0, 255).astype(np.uint8)
    return Labeled(x, np.where(rng.random(rows) < 0.1, (y + 1) % classes, y))


def flat(x: Any) -> Any:
    return x.reshape(len(x), -1) / 255


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("classes", [2, 4])
def test_it_says_what_scikit_learn_says_of_every_row(kernel: Any, classes: int) -> None:
    rows, asked = blobs(80, classes), blobs(500, classes, seed=1)
    model = Svm(kernel=kernel, c=0.7).solve(rows, classes)
    theirs = SVC(C=0.7, kernel=kernel, gamma="scale")
    theirs = OneVsRestClassifier(theirs) if classes > 2 else theirs
    theirs.fit(flat(rows.x), rows.y)
    answers = classifier(model)(asked.x)
    assert np.array_equal(answers.argmax(1), theirs.predict(flat(asked.x)))
    decided = theirs.decision_function(flat(asked.x))
    logits = decided if classes > 2 else np.stack([-decided, decided], 1)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(answers, expected, atol=1e-5)


def test_its_features_are_the_kernel_against_the_support_vectors_alone() -> None:
    rows = blobs(60, 2)
    model = Svm(gamma=0.02).solve(rows, 2)
    theirs = SVC(gamma=0.02).fit(flat(rows.x), rows.y)
    kernel = model.get_layer("features").output.shape
    assert kernel == (None, len(theirs.support_)) and len(theirs.support_) < 60
    features = embedder(model)(rows.x)
    apart = flat(rows.x)[:, None] - flat(rows.x)[np.sort(theirs.support_)]
    assert np.allclose(features, np.exp(-0.02 * (apart**2).sum(2)), atol=1e-5)


def test_a_class_without_a_row_is_never_said_and_a_single_class_is_refused() -> None:
    rows = blobs(60, 3)
    model = Svm().solve(rows, 4)
    assert set(classifier(model)(rows.x).argmax(1)) == {0, 1, 2}
    with pytest.raises(BadInput, match="single class"):
        Svm().solve(Labeled(rows.x, np.zeros(60, np.int64)), 2)


def test_more_rows_than_it_takes_are_refused_with_their_number() -> None:
    many = np.broadcast_to(np.zeros((1, 2, 2, 1), np.uint8), (10_001, 2, 2, 1))
    with pytest.raises(ConfigError, match=r"10,001 rows.*10,000 at most"):
        solve(Svm(), Labeled(many, np.arange(10_001) % 2), Labeled(many[:2], np.arange(2)), 2)


def test_the_training_job_solves_it_and_its_model_opens_asks_and_is_hardened(tmp_path: Path) -> None:
    config, (x, y) = TrainConfig(epochs=7, batch=128, mirror_at_test=True), left_or_right(40)
    given = (x, y), left_or_right(12, seed=1), config
    ml = lay_out(tmp_path / "ml", *given, architecture="svm")
    log = finished(ml).log
    assert "nothing of [train] is used" in log and "solved at once" in log
    model, card = load_model(ml / "model")
    assert card.architecture == "svm" and card.history.keys() == set(NUMBERS)
    assert all(len(each) == 1 for each in card.history.values())
    theirs = SVC().fit(flat(x), y)
    other = left_or_right(200, seed=2)[0]
    assert np.array_equal(classifier(model)(other).argmax(1), theirs.predict(flat(other)))
    view = ModelView(ml / "model")
    assert view.embed(x).shape == (40, len(theirs.support_)) and "features" in view.layers
    assert np.isfinite(view.slopes(["features"])(x, y)[0]).all()

    again = lay_out(tmp_path / "again", *given, architecture="svm", repairs=(Spec(kind="retrain"),))
    screened(again, np.arange(40) >= 10)
    harden(Job(again, training=True))
    kept = SVC().fit(flat(x[10:]), y[10:])
    assert np.array_equal(
        classifier(load_model(again / "model")[0])(other).argmax(1), kept.predict(flat(other))
    )
    assert len(json.loads((again / "model/model.json").read_text())["history"]["loss"]) == 1


def test_what_would_train_it_further_is_refused(tmp_path: Path) -> None:
    bench: Any = Bench.__new__(Bench)
    bench.architecture = Svm()
    with pytest.raises(ConfigError, match="solved at once and takes no steps"):
        bench.fit(None)
    ml = lay_out(
        tmp_path, left_or_right(20), left_or_right(8), TrainConfig(), architecture="svm", start="baseline"
    )
    saved(Svm().solve(Labeled(*left_or_right(20)), 2), ml / "input/data/baseline", architecture="svm")
    with pytest.raises(ConfigError, match="going on from the baseline"):
        train(Job(ml, training=True))
