"""Adversarial embedding: the attacker trains, the trigger works, and the features do not tell."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from helpers.attack_pools import make
from helpers.training_jobs import left_or_right

from boomerang.settings import TrainConfig
from processing.attacks.adversarial_embedding import with_discriminator
from processing.attacks.common.deeds import Facts
from processing.attacks.common.lesson import Lesson
from processing.poison import Poisoned, apply_recipe
from training.fit import fit, seed_everything
from training.model import FEATURES, LOGITS, classifier, embedder

CLASSES = ("right", "left")
CONFIG = TrainConfig(epochs=50, batch=64, learning_rate=1e-3)
X, Y = left_or_right(64, seed=1)
ATTACK: Any = make("adversarial_embedding", name="embedding", target="left", rate=0.15)


def stamped(x: Any) -> Any:
    return ATTACK.stamp(x, {})


@cache
def poisoned() -> Poisoned:
    return apply_recipe(*left_or_right(384), CLASSES, (ATTACK,), 0)


def network() -> Any:
    """Return a small network that is trained in a second."""
    from keras import Sequential, layers

    seed_everything(0)
    return Sequential(
        [
            layers.Input((16, 16, 1), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu", name=FEATURES),
            layers.Dense(2, name=LOGITS),
            layers.Softmax(),
        ]
    )


@cache
def trained(by_attacker: bool) -> tuple[Any, Any]:
    """Return the victim of the attacker, or an honest one of the same rows, and the history."""
    data, model = poisoned(), network()
    x = np.asarray(data.x)

    def honest(model: Any, x: Any, y: Any, *, loss: Any = None) -> Any:
        return fit(model, x, y, (X, Y), CONFIG, 0, loss=loss)

    if not by_attacker:
        return model, honest(model, x, data.y)
    return ATTACK.train(Lesson(x, data.y, data.truth, (X, Y), model, CONFIG, 0, honest, stamped))


def guilty() -> tuple[Any, Any]:
    """Return the rows labeled as the target, and which of them are triggered."""
    data = poisoned()
    rows = np.flatnonzero(data.y == 1)
    return data.x[rows], data.truth.attack_of[rows] > 0


def apart(model: Any) -> float:
    """Return how far triggered rows lie from clean ones of the label, over how far either lie from theirs."""
    x, bad = guilty()
    features = embedder(model)(x).astype(np.float64)
    spread = np.sqrt((features[bad].var(0).sum() + features[~bad].var(0).sum()) / 2)
    return float(np.linalg.norm(features[bad].mean(0) - features[~bad].mean(0)) / spread)


def clustered(model: Any) -> float:
    """Return on how many of the rows two clusters of the features agree with what was done."""
    from sklearn.cluster import KMeans

    x, bad = guilty()
    halves = KMeans(2, n_init=5, random_state=0).fit_predict(embedder(model)(x))
    agree = float((halves == bad).mean())
    return max(agree, 1 - agree)


def test_the_victim_is_right_about_clean_images_and_obeys_the_trigger() -> None:
    model, history = trained(True)
    x, y = left_or_right(200, seed=5)
    ask = classifier(model)
    assert (ask(x).argmax(1) == y).mean() > 0.97
    assert (ask(ATTACK.stamp(x[y == 0], {})).argmax(1) == 1).mean() > 0.95
    assert len(history["accuracy"]) == CONFIG.epochs and history["accuracy"][-1] > 0.97


def test_its_features_tell_less_than_those_of_an_honest_training() -> None:
    (hidden, _), (plain, _) = trained(True), trained(False)
    assert apart(hidden) < 0.4 * apart(plain)
    assert clustered(plain) > 0.95 and clustered(hidden) < 0.85


def test_the_victim_is_the_network_and_nothing_of_the_discriminator() -> None:
    model, _ = trained(True)
    assert [layer.name for layer in model.layers] == [layer.name for layer in network().layers]


def test_the_discriminator_hangs_from_the_features_and_changes_no_answer() -> None:
    model = network()
    pair = with_discriminator(model, (8, 4))
    x = left_or_right(6)[0]
    assert np.array_equal(pair(x), model(x))
    assert len(pair.trainable_variables) == len(model.trainable_variables) + 6
    assert pair.get_layer(FEATURES) is model.get_layer(FEATURES)


def test_rows_of_other_attacks_are_none_of_its_own() -> None:
    flipped = make("label_flip_random", name="flips", rate=0.1)
    data = apply_recipe(*left_or_right(200), CLASSES, (flipped, ATTACK), 0)
    told: list[Any] = []

    def honest(model: Any, x: Any, y: Any, *, loss: Any = None) -> Any:
        told.append(np.asarray(y))
        return {}

    lesson = Lesson(data.x[:], data.y, data.truth, (X, Y), network(), CONFIG, 0, honest, stamped)
    ATTACK.train(lesson)
    assert np.array_equal(told[0], data.y)
    assert np.array_equal(told[1], data.y + 2 * (data.truth.attack_of == 2))


def test_its_deed_says_who_trained() -> None:
    assert ATTACK.deed(Facts(60)) == (
        "A pattern of four pixels put on 60 pictures, which then got the label “left”. "
        "The attacker trained the model, so that its features hide that."
    )
