"""Changes along the gradient: the same network for floats, and gradient ascent held against ART's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.art_models import art, art_classifier
from helpers.attack_pools import CLASSES, make_pool, toy_surrogate

from processing.attacks.common.gradients import Ball, changed, climbed, on_floats, unlearned
from training.model import FEATURES, LOGITS

POOL = make_pool(rows=40)
BALLS = [Ball("linf", 16.0), Ball("l2", 300.0)]
STEPS = 10


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


def losses(surrogate: Any, x: Any) -> Any:
    return -np.log(surrogate.answer(x)[np.arange(len(x)), POOL.y])


def test_floats_go_the_way_of_bytes_and_what_lies_between_is_seen(surrogate: Any) -> None:
    features = on_floats(surrogate.model, FEATURES)
    x = POOL.x.astype(np.float32)
    assert np.array_equal(features(x), surrogate.embed(POOL.x))
    assert not np.array_equal(features(x + 0.25), features(x))
    assert features.get_layer(FEATURES) is surrogate.model.get_layer(FEATURES)


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.norm)
def test_the_ascent_ends_where_that_of_art_ends(surrogate: Any, ball: Ball) -> None:
    ascent = art("attacks.evasion").ProjectedGradientDescentNumpy(
        art_classifier(surrogate.model),
        norm=np.inf if ball.norm == "linf" else 2,
        eps=ball.radius / 255,
        eps_step=2.5 * ball.radius / STEPS / 255,
        max_iter=STEPS,
        verbose=False,
    )
    images = POOL.x.astype(np.float32)
    theirs = 255 * ascent.generate(images / 255, y=np.eye(len(CLASSES))[POOL.y]) - images
    ours = climbed(on_floats(surrogate.model, LOGITS), images, POOL.y, ball, STEPS).numpy()
    assert np.abs(ours).max() > 1
    np.testing.assert_allclose(ours, theirs, atol=0.05)


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
