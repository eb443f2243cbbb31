"""The attacker's own network: it withstands changes that another does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import left_or_right

from boomerang.errors import ConfigError
from processing.attacks.common.gradients import unlearned
from processing.attacks.common.proxy import Drill, trained
from training.model import Ball

X, Y = left_or_right(256)
BALL = Ball("linf", 30.0)


def drilled(radius: float, epochs: int = 16) -> Any:
    return trained(X, Y, 2, Drill(epochs, 256, radius, 3), np.random.default_rng(0))


def accuracy(network: Any, x: Any) -> float:
    return float((np.asarray(network(x.astype(np.float32))).argmax(1) == Y).mean())


def test_it_knows_changed_images_that_one_trained_on_plain_images_does_not() -> None:
    plain, hardened = drilled(1e-3, epochs=8), drilled(BALL.radius)
    assert accuracy(plain, X) > 0.95 and accuracy(hardened, X) > 0.95
    under_attack = [accuracy(net, unlearned(net, X, Y, BALL, 10, 64)) for net in (plain, hardened)]
    assert under_attack[0] < 0.5 and under_attack[1] > 0.9


def test_it_follows_from_the_seed() -> None:
    first, again = (drilled(BALL.radius, epochs=1) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), again.get_weights(), strict=True))


def test_images_too_small_for_it_are_refused() -> None:
    with pytest.raises(ConfigError, match="it takes images of 6 pixels a side and more, these are 5 x 16"):
        trained(X[:, :, :5], Y, 2, Drill(1, 64, 1.0, 1), np.random.default_rng(0))
