"""Adversarial training: small changes fool the model less, and some of the rows are left as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.benches import bench_with, victim_of
from helpers.training_jobs import built, left_or_right

from boomerang.settings import TrainConfig
from training.harden import repaired
from training.learning.descent import cross_entropy
from training.model import LOGITS, Ball, climbed, on_floats
from training.repair.adversarial_training import AdversarialTraining, on_hardest

CONFIG = TrainConfig(epochs=8, batch=32)
BALL = Ball("linf", 40.0)
X, Y = left_or_right(256)


def robust_and_plain_accuracy(model: Any) -> tuple[float, float]:
    answer, images = on_floats(model, LOGITS), X.astype(np.float32)
    changes = (climbed(answer, images, Y, BALL, 10), 0)
    robust, plain = (float(np.mean(np.argmax(answer(images + each), 1) == Y)) for each in changes)
    return robust, plain


@pytest.mark.parametrize("settings", [{"steps": 1}, {"steps": 5}, {"steps": 5, "anew": True}])
def test_robust_accuracy_rises(settings: dict[str, Any], tmp_path: Path) -> None:
    bench = bench_with(tmp_path, (X, Y), left_or_right(40, seed=1), CONFIG)
    victim = victim_of((X, Y), CONFIG)
    before, _ = robust_and_plain_accuracy(victim)
    repair = AdversarialTraining(eps=BALL.radius, epochs=8, **settings)
    after, accuracy = robust_and_plain_accuracy(repaired(victim, [repair], bench))
    assert before < 0.5 and after > 0.8 and accuracy > 0.9, (before, after, accuracy)


def test_the_changed_share_is_harder_than_the_rest_and_each_time_the_same() -> None:
    model = victim_of((X, Y), CONFIG)
    weights, found = model.get_weights(), []
    for _ in range(2):
        model.set_weights(weights)  # the moving statistics too
        losses, answers = on_hardest(BALL, 3, 0.5)(model, X, Y)
        found.append(np.asarray(losses))
    assert np.array_equal(*found) and answers.shape == (256, 2)
    assert np.mean(found[0][:128]) > np.mean(found[0][128:]) + 0.5


def test_a_change_is_no_larger_than_its_ball_whatever_its_norm() -> None:
    """With no step to go, what is learned are the images where the search begins."""
    model = built()
    for ball in (Ball("linf", 0.01), Ball("l2", 0.01)):
        found, _ = on_hardest(ball, 1, 1.0)(model, X, Y)
        np.testing.assert_allclose(found, cross_entropy(model, X, Y)[0], atol=0.01)
