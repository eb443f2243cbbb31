"""Neural Cleanse finds the planted trigger; ART's changes nothing and finds none."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from helpers.art_models import art
from helpers.foreign_models import CLASSES, SHAPE, TARGET, rows, trained

from training.checks.neural_cleanse import ReversedTriggers, neural_cleanse
from training.foreign.adopted import adopt
from training.model import classifier

CLEAN = rows(120, seed=5)


@pytest.fixture(scope="module")
def found() -> ReversedTriggers:
    return neural_cleanse(adopt(trained(poisoned=True), 1.0), CLEAN.x, range(CLASSES))


def test_the_planted_class_has_the_smallest_patch(found: ReversedTriggers) -> None:
    assert found.target == TARGET and found.alarm
    mask = found.masks[found.smallest]
    assert mask[-2:, -2:].sum() > 0.5 * mask.sum(), "it lies where the trigger was planted"


def test_the_patch_turns_pictures_that_it_was_not_made_of(found: ReversedTriggers) -> None:
    others = rows(120, seed=6)
    at = found.smallest
    mask, pattern = found.masks[at][..., None], found.patterns[at]
    stamped = others.x / 255 * (1 - mask) + mask * pattern
    ask = classifier(adopt(trained(poisoned=True), 1.0))
    calls = ask(np.rint(stamped * 255).astype(np.uint8)).argmax(1)
    assert np.mean(calls == TARGET) > 0.9
    assert np.mean(ask(others.x).argmax(1) == TARGET) < 0.3


def test_a_clean_model_raises_no_alarm() -> None:
    assert not neural_cleanse(adopt(trained(poisoned=False), 1.0), CLEAN.x, range(CLASSES)).alarm


def test_art_s_moves_nothing() -> None:
    """It sets the learning rate to zero together with the optimizer's variables: the mask stays as drawn."""
    model = trained(poisoned=True)
    model.compile("adam", "categorical_crossentropy")
    estimator = art("estimators.poison_mitigation.neural_cleanse.keras").KerasNeuralCleanse
    keras.utils.set_random_seed(0)
    cleanse = estimator(model, steps=20, init_cost=1e-3, norm=1, learning_rate=0.1, batch_size=32)
    x, y = CLEAN.x / np.float32(255), np.eye(CLASSES, dtype=np.float32)[CLEAN.y]
    before = [np.array(keras.ops.convert_to_numpy(each)) for each in (cleanse.mask_tensor_raw,)]
    cleanse.generate_backdoor(x, y, np.eye(CLASSES, dtype=np.float32)[TARGET])
    after = np.array(keras.ops.convert_to_numpy(cleanse.mask_tensor_raw))
    assert x.shape[1:] == SHAPE and np.abs(after - before[0]).max() < 1e-6
