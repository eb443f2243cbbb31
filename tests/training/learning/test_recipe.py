"""How a model learns: the rate step by step, what decays, what learns faster, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig
from training.learning.recipe import build, check, cross_entropy, honest_loss, optimizer_of


def rates(**settings: Any) -> list[float]:
    config = TrainConfig(learning_rate=1.0, warmup=0.2, **settings)
    rate = optimizer_of(config, 100)._learning_rate
    return [float(rate(step)) for step in (0, 10, 20, 60, 100)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", [0.1, 0.55, 1, 0.5, 0]),
        ("linear", [0.1, 0.55, 1, 0.5, 0]),
        ("constant", [0.1, 0.55, 1, 1, 1]),
    ],
)
def test_the_rate_rises_to_its_peak_and_then_does_as_it_is_told(schedule: str, expected: list[float]) -> None:
    for optimizer in ("adam", "sgd"):
        assert rates(schedule=schedule, optimizer=optimizer) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_without_a_rise_the_rate_begins_at_its_peak(schedule: str) -> None:
    config = TrainConfig(learning_rate=1.0, warmup=0.0, schedule=schedule)
    assert float(optimizer_of(config, 10)._learning_rate(0)) == pytest.approx(1)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_kernels_decay_apart_from_the_gradient_and_nothing_else_does(optimizer: str) -> None:
    """With gradients of zero a step takes the rate times the decay off the kernels."""
    import keras

    layer = keras.layers.Dense(2, bias_initializer="ones")
    layer.build((None, 3))
    before = [np.array(v) for v in layer.variables]
    config = TrainConfig(
        optimizer=optimizer, learning_rate=0.5, schedule="constant", warmup=0.0, weight_decay=0.1
    )
    made = optimizer_of(config, 10)
    build(made, layer.trainable_variables)
    made.apply([np.zeros(v.shape, np.float32) for v in layer.variables], layer.trainable_variables)
    assert np.allclose(layer.kernel, before[0] * 0.95) and np.array_equal(layer.bias, before[1])


def test_a_variable_of_a_name_learns_as_many_times_as_fast() -> None:
    import keras

    moved = []
    for factors in ({}, {"bias": 8.0}):
        layer = keras.layers.Dense(2, kernel_initializer="zeros")
        layer.build((None, 3))
        config = TrainConfig(optimizer="sgd", learning_rate=0.5, schedule="constant", warmup=0.0)
        made = optimizer_of(config, 10, rates=factors)
        build(made, layer.trainable_variables)
        made.apply([np.ones(v.shape, np.float32) for v in layer.variables], layer.trainable_variables)
        moved.append([np.array(v) for v in layer.variables])
    assert np.array_equal(moved[0][0], moved[1][0]) and np.allclose(moved[0][1] * 8, moved[1][1])
    assert (moved[0][1] < 0).all()


def test_label_smoothing_spreads_a_share_of_the_certainty() -> None:
    import tensorflow as tf

    told, labels = tf.constant([[0.7, 0.2, 0.1]]), tf.constant([0], tf.int64)
    losses, answers = honest_loss(TrainConfig(label_smoothing=0.3))(
        lambda images, training: told, None, labels
    )
    logs = -np.log([0.7, 0.2, 0.1])
    assert float(losses[0]) == pytest.approx(0.7 * logs[0] + 0.1 * logs.sum()) and answers is told
    assert honest_loss(TrainConfig()) is cross_entropy


@pytest.mark.parametrize(
    ("settings", "image", "words"),
    [
        ({"batch": 65}, (8, 8, 3), r"'train.batch'.*(?s:.*)65 is more than the 64 rows"),
        ({"shift": 8}, (8, 12, 3), r"'train.shift'.*(?s:.*)12 x 8 pixels cannot be shifted by 8"),
        ({"sizes": (4, 8)}, (8, 8, 3), r"'train.sizes'.*(?s:.*)2 values for 5 epochs"),
        ({"sizes": (4, 8), "epochs": 2}, (8, 12, 3), r"'train.sizes'.*(?s:.*)no squares"),
        (
            {"sizes": (8, 4), "epochs": 2},
            (8, 8, 3),
            r"'train.sizes'.*(?s:.*)last epoch has 4 pixels, the data 8",
        ),
    ],
)
def test_what_cannot_work_on_these_rows_is_refused(
    settings: dict[str, Any], image: tuple[int, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check(TrainConfig(**{"batch": 64} | settings), 64, image)
    check(TrainConfig(batch=64, shift=7, epochs=2, sizes=(4, 8)), 64, (8, 8, 3))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 5, "sizes": (8, 8)}, "2 values for 5 epochs"),
        ({"epochs": 1, "sizes": (3,)}, "from 4 to 1024"),
        ({"learning_rate": 10, "weight_decay": 0.1}, "turn weights over"),
        ({"epochs": 10_001}, "less than or equal to 10000"),
        ({"learning_rate": 1001}, "less than or equal to 1000"),
        ({"momentum": 1}, "less than 1"),
        ({"label_smoothing": 1}, "less than 1"),
    ],
)
def test_what_can_never_work_is_refused_at_once(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainConfig(**settings)
