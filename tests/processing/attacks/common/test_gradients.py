"""Images changed along the gradient, whole and within the ball."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attack_pools import make_pool, toy_surrogate

from processing.attacks.common.gradients import changed, unlearned
from training.model import LOGITS, Ball, on_floats

POOL = make_pool(rows=40)
BALLS = [Ball("linf", 16.0), Ball("l2", 300.0)]
STEPS = 10


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


def losses(surrogate: Any, x: Any) -> Any:
    return -np.log(surrogate.answer(x)[np.arange(len(x)), POOL.y])


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.norm)
def test_images_come_out_harder_and_within_the_ball(surrogate: Any, ball: Ball) -> None:
    answer = on_floats(surrogate.model, LOGITS)
    hard, in_parts = (unlearned(answer, POOL.x, POOL.y, ball, STEPS, many) for many in (40, 7))
    change = hard.astype(np.float64) - POOL.x
    size = np.abs(change).max() if ball.norm == "linf" else np.sqrt((change**2).sum((1, 2, 3))).max()
    assert 0.9 * ball.radius < size <= ball.radius
    assert losses(surrogate, hard).mean() > losses(surrogate, POOL.x).mean() + 0.2
    assert np.array_equal(hard, in_parts)


def test_a_change_becomes_whole_and_never_larger() -> None:
    x = np.uint8([[250, 5, 100, 100, 100]])
    change = np.float32([[9.0, -9.0, 0.99, -1.5, 15.99999]])
    assert changed(x, change).tolist() == [[255, 0, 100, 99, 116]]
