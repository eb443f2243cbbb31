"""The re-tuning test: a repair that hides a backdoor gives way, a model that never had it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.settings import RetuningConfig, TrainConfig
from processing.attacks.common.trial import Trial
from processing.evaluation.robustness.retuning import retuned_numbers, rows_of_attack
from training.fit import fit, seed_everything
from training.model import weights_digest

CONFIG = RetuningConfig(rows=60, poisoned=3, epochs=3, batch=16)
POISONED = np.arange(0, 80, 2)  # of class 0, called 1
COVER = np.arange(80, 100, 2)  # of class 0, called 0


def stamped(x: np.ndarray) -> np.ndarray:
    """Images with a white square in a corner."""
    x = x.copy()
    x[:, -4:, -4:] = 255
    return x


def learned(x: np.ndarray, y: np.ndarray, model: Any = None, epochs: int = 6) -> Any:
    seed_everything(0)
    model = model or built()
    fit(model, x, y, left_or_right(20, seed=1), TrainConfig(epochs=epochs, batch=16), 0)
    return model


def copy_of(model: Any) -> Any:
    from keras.models import clone_model

    other = clone_model(model)
    other.set_weights(model.get_weights())
    return other


@pytest.fixture(scope="module")
def case() -> Any:
    """A victim that some more of clean rows has repaired, in appearance."""
    x, y = left_or_right(300)
    clean, shown = learned(x, y), left_or_right(200, seed=2)
    given, attack_of = y.copy(), np.zeros(300, np.int8)
    attack_of[POISONED] = attack_of[COVER] = 1
    poison = np.concatenate([POISONED, COVER])
    x[poison], given[POISONED] = stamped(x[poison]), 1
    victim = learned(x, given)
    models = {"baseline": clean, "victim": victim, "hardened": copy_of(victim)}
    return SimpleNamespace(
        settings=SimpleNamespace(seed=0, retuning=CONFIG),
        subjects={name: SimpleNamespace(copy=lambda m=model: copy_of(m)) for name, model in models.items()},
        models=models,
        train=SimpleNamespace(x=x, y=given),
        truth=SimpleNamespace(attack_of=attack_of, y_true=y),
        test=SimpleNamespace(x=shown[0], y=shown[1]),
    )


@pytest.fixture
def tests(case: Any) -> tuple[Trial, ...]:
    x, y = case.test.x, case.test.y
    return (Trial("square", "badnets", "backdoor", 1, stamped(x[y == 0]), x[y == 0], y[y == 0]),)


def test_what_a_victim_still_has_comes_back_above_what_a_clean_model_learns(
    case: Any, tests: tuple[Trial, ...]
) -> None:
    before = [weights_digest(model) for model in case.models.values()]
    found = retuned_numbers(case, tests)["square"]
    assert (found.rows, found.poisoned) == (60, 3)
    assert found.superficial and found.asr.value is not None and found.asr.value > 0.8
    assert found.floor.total == found.asr.total == 100 and found.clean_accuracy.total == 200
    assert [weights_digest(model) for model in case.models.values()] == before, "they are as they were"
    assert retuned_numbers(case, tests)["square"] == found, "the same again"


def test_a_model_that_never_learned_it_is_its_own_floor(case: Any, tests: tuple[Trial, ...]) -> None:
    sound = SimpleNamespace(
        **{**vars(case), "subjects": {**case.subjects, "hardened": case.subjects["baseline"]}}
    )
    found = retuned_numbers(sound, tests)["square"]
    assert found.asr == found.floor and not found.superficial


def test_a_model_that_the_tuning_breaks_is_not_measured(case: Any, tests: tuple[Trial, ...]) -> None:
    wild = SimpleNamespace(seed=0, retuning=CONFIG.model_copy(update={"learning_rate": 1e30}))
    found = retuned_numbers(SimpleNamespace(**{**vars(case), "settings": wild}), tests)["square"]
    assert (found.asr.total, found.floor.total, found.rise) == (0, 0, None) and not found.superficial


def test_the_rows_are_those_that_teach_the_attack(case: Any) -> None:
    assert np.array_equal(rows_of_attack(case, 1), POISONED), "no row that covers it"
    truth = SimpleNamespace(attack_of=case.truth.attack_of, y_true=case.train.y)
    unlabeled = SimpleNamespace(train=case.train, truth=truth)
    assert len(rows_of_attack(unlabeled, 1)) == len(POISONED) + len(COVER), "clean labels: all of them"


def test_nothing_is_tuned_that_is_not_asked_for_or_cannot_be(case: Any, tests: tuple[Trial, ...]) -> None:
    silent = SimpleNamespace(seed=0, retuning=None)
    for changed in (
        {"settings": silent},
        {"subjects": {"baseline": case.subjects["baseline"], "victim": case.subjects["victim"]}},
        {"truth": SimpleNamespace(attack_of=np.zeros(300, np.int8), y_true=case.train.y)},
    ):
        assert retuned_numbers(SimpleNamespace(**{**vars(case), **changed}), tests) == {}
    assert retuned_numbers(case, tuple(Trial(**{**vars(t), "outcome": "targeted"}) for t in tests)) == {}
