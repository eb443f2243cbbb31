"""STRIP: its entropy by hand, a backdoor that was learned, and ART's beside it."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from helpers.art_models import art
from helpers.asked import patched

from boomerang.scoring import auroc
from training.inference.common.base import wrapped
from training.inference.common.refusing import flat, numbers_of
from training.inference.strip import Strip
from training.labeled import Labeled
from training.model import NO_ANSWER, calls_of, classifier


def bright_quarters(seed: int, y: Any) -> Any:
    """Return uint8[N, 12, 12, 3]: noise, and a quarter that is brighter, which one the class says."""
    x = np.random.default_rng(seed).integers(0, 60, (len(y), 12, 12, 3))
    for row, label in enumerate(y):
        top, left = 6 * (label // 2), 6 * (label % 2)
        x[row, top : top + 6, left : left + 6] += 80
    return x.astype(np.uint8)


@lru_cache
def backdoored() -> Any:
    """Return a network that calls what has a patch class 0."""
    import keras
    from keras import layers

    y = np.arange(800) % 4
    x = bright_quarters(1, y)
    x[::3], y[::3] = patched(x[::3]), 0
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            layers.Input((12, 12, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, strides=3, activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu", name="features"),
            layers.Dense(4, name="logits"),
            layers.Softmax(),
        ]
    )
    network.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    network.fit(x, y, batch_size=40, epochs=6, verbose=0)
    return network


TRUSTED = Labeled(bright_quarters(2, np.arange(240) % 4), np.arange(240) % 4)
CLEAN = bright_quarters(3, np.arange(120) % 4)
ROWS, BAD = np.concatenate([CLEAN, patched(CLEAN)]), np.arange(240) >= 120


def scores(defense: Strip) -> Any:
    laid = flat(backdoored())
    return numbers_of(laid.inputs[0], defense.suspicion(laid, TRUSTED)[0], ROWS)


@pytest.mark.parametrize("blend", ["sum", "mean"])
def test_the_score_is_the_mean_entropy_over_blends(blend: Any) -> None:
    defense = Strip(images=5, blend=blend, seed=3)
    over = TRUSTED.x[np.sort(np.random.default_rng(3).permutation(240)[:5])]
    share = 1.0 if blend == "sum" else 0.5
    mixed = np.minimum(np.round(share * (ROWS[:, None].astype(float) + over)), 255).astype(np.uint8)
    p = classifier(backdoored())(mixed.reshape(-1, 12, 12, 3)).reshape(240, 5, -1).astype(float)
    expected = (p * np.log2(p + 1e-12)).sum(-1).mean(1)
    np.testing.assert_allclose(scores(defense), expected, atol=1e-4)


def test_a_backdoor_that_was_learned_is_refused_and_clean_rows_are_not() -> None:
    whole = wrapped(backdoored(), [Strip(frr=0.02)], TRUSTED)
    refused = calls_of(classifier(whole)(ROWS)) == NO_ANSWER
    assert refused[BAD].mean() > 0.5 and refused[~BAD].mean() < 0.08


def test_it_tells_more_than_art_s_and_takes_less_than_half_the_time() -> None:
    mean = Strip(images=20, blend="mean", frr=0.02)
    ask = classifier(wrapped(backdoored(), [mean], TRUSTED))
    ask(ROWS[:1])  # traced
    begun = time.perf_counter()
    ours = calls_of(ask(ROWS)) == NO_ANSWER
    ours_s = time.perf_counter() - begun
    wrapper = art("estimators.classification").TensorFlowV2Classifier(
        model=backdoored(), nb_classes=4, input_shape=(12, 12, 3), clip_values=(0, 255)
    )
    theirs = art("defences.transformer.poisoning").STRIP(wrapper)(num_samples=20, false_acceptance_rate=0.02)
    np.random.seed(0)  # noqa: NPY002  ART draws from it
    theirs.mitigate(TRUSTED.x.astype(np.float32))
    begun = time.perf_counter()
    abstained = ~theirs.predict(ROWS.astype(np.float32)).any(1)
    assert ours_s < (time.perf_counter() - begun) / 2
    gained = [refused[BAD].mean() - refused[~BAD].mean() for refused in (ours, abstained)]
    assert gained[0] > gained[1] + 0.2
    worth = auroc(scores(mean), BAD)
    assert worth is not None and worth > 0.8
