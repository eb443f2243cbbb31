"""Changes along the gradient: the same network for floats, and gradient ascent held against ART's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.art_models import art, art_classifier
from helpers.attack_pools import CLASSES, make_pool, toy_surrogate

from training.learning.climbing import Ball, climbed, hardest, on_floats
from training.model import FEATURES, LOGITS

POOL = make_pool(rows=40)
BALLS = [Ball("linf", 16.0), Ball("l2", 300.0)]
STEPS = 10


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return toy_surrogate(tmp_path_factory.mktemp("surrogate"))


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


def test_hardest_images_begin_where_they_are_told_stay_in_range_and_pass_no_gradient(surrogate: Any) -> None:
    import tensorflow as tf

    answer, ball = on_floats(surrogate.model, LOGITS), Ball("linf", 16.0)
    images = tf.constant(POOL.x, tf.float32)
    start = tf.constant(np.random.default_rng(0).uniform(-16, 16, POOL.x.shape), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        found = hardest(answer, images, POOL.y, ball, 3, start)
    assert tape.gradient(found, images) is None
    assert float(tf.reduce_min(found)) >= 0 and float(tf.reduce_max(found)) <= 255
    assert float(tf.reduce_max(tf.abs(found - images))) <= 16.001
    unmoved = hardest(answer, images, POOL.y, ball, 0, start)
    assert np.allclose(unmoved, np.clip(POOL.x + np.asarray(start), 0, 255), atol=1e-4)


@pytest.mark.parametrize("ball", BALLS, ids=lambda ball: ball.norm)
def test_a_targeted_change_leads_to_another_class(surrogate: Any, ball: Ball) -> None:
    answer, images, target = on_floats(surrogate.model, LOGITS), POOL.x.astype(np.float32), (POOL.y + 1) % 4
    change = climbed(answer, images, target, ball, STEPS, towards=True)

    def surest(seen: Any) -> float:
        return float(np.mean(np.asarray(answer(seen)).argmax(1) == target))

    assert surest(images + change) > surest(images) + 0.2
    np.testing.assert_allclose(ball.held(change), change, rtol=1e-5)
