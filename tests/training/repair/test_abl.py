"""Anti-backdoor learning: the loss of its stages, what it finds first, and a trigger that it unlearns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.benches import bench_with, victim_of
from helpers.training_jobs import built, left_or_right

from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig
from training.harden import repaired
from training.labeled import Labeled
from training.learning.descent import cross_entropy
from training.model import classifier
from training.repair.abl import Abl, bounded, parted
from training.repair.retrain import Retrain

CONFIG = TrainConfig(epochs=6, batch=16)
POISONED = np.arange(0, 60, 2)  # of class 0, called 1


def stamped(x: np.ndarray) -> np.ndarray:
    """Images with a white square in a corner."""
    x = x.copy()
    x[:, -4:, -4:] = 255
    return x


def asr_and_accuracy(model: Any) -> tuple[float, float]:
    x, y = left_or_right(200, seed=2)
    ask = classifier(model)
    return float(np.mean(ask(stamped(x[y == 0])).argmax(1) == 1)), float(np.mean(ask(x).argmax(1) == y))


def test_the_loss_falls_towards_its_bound_from_both_sides() -> None:
    model, (x, y) = built(), left_or_right(50)
    plain = np.asarray(cross_entropy(model, x, y)[0])
    bound = float(np.median(plain))
    found = np.asarray(bounded(bound)(model, x, y)[0])
    assert np.allclose(found[plain > bound], plain[plain > bound], rtol=1e-5)
    assert np.allclose(found[plain < bound], -plain[plain < bound], rtol=1e-5) and (plain < bound).any()


def test_some_rows_are_unlearned_with_a_weight_and_no_further_than_a_guess() -> None:
    model, (x, y) = built(), left_or_right(50)
    plain, apart = np.asarray(cross_entropy(model, x, y)[0]), np.arange(50) % 5 == 0
    found, answers = parted(9.0, cross_entropy)(model, x, np.where(apart, y + 2, y))
    found, guess = np.asarray(found), np.log(2)
    assert np.allclose(found[~apart], plain[~apart], atol=1e-5) and answers.shape == (50, 2)
    assert np.allclose(found[apart], -9 * np.minimum(plain[apart], guess), atol=1e-4)
    assert (plain[apart] > guess).any() and (plain[apart] < guess).any()


def test_a_network_that_is_solved_at_once_is_refused(tmp_path: Path) -> None:
    bench = bench_with(tmp_path, left_or_right(60), left_or_right(40, seed=1), CONFIG, architecture="svm")
    with pytest.raises(ConfigError, match="'svm' is solved at once and takes no steps"):
        repaired(None, [Abl()], bench)


def test_the_rows_of_the_lowest_loss_are_those_that_were_learned_first() -> None:
    x, y = left_or_right(200)
    model, wrong = victim_of((x, y), CONFIG), np.where(np.arange(200) < 150, 1 - y, y)
    assert np.array_equal(
        np.flatnonzero(Abl(isolated=0.25).learned_first(model, Labeled(x, wrong))), range(150, 200)
    )
    assert Abl(isolated=1e-6).learned_first(model, Labeled(x, y)).sum() == 1


def test_what_retraining_learns_of_a_trigger_is_unlearned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = left_or_right(300)
    x[POISONED], y[POISONED] = stamped(x[POISONED]), 1
    bench = bench_with(tmp_path, (x, y), left_or_right(40, seed=1), CONFIG)
    attacked, _ = asr_and_accuracy(repaired(None, [Retrain()], bench))
    asr, accuracy = asr_and_accuracy(repaired(None, [Abl(isolated=0.05)], bench))
    assert "15 of 300 rows were learned first and are unlearned" in capsys.readouterr().out
    assert attacked > 0.8 and asr < 0.2 and accuracy > 0.9
