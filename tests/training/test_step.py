"""The step of a training: one trace for all batches, and what a mixed twin is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.settings import TrainConfig
from training.cluster import alone
from training.fit import batch_seeds
from training.labeled import Labeled
from training.learning.augment import Augment
from training.learning.descent import build, optimizer_of
from training.learning.reading import Batch, Reading
from training.step import Step, twin


@pytest.mark.parametrize("augment", [Augment(0, "none"), Augment(2, "random"), Augment(1, "alternating")])
def test_the_step_is_traced_once_whatever_the_length_of_a_batch(augment: Augment) -> None:
    model = built("small")
    optimizer = optimizer_of(TrainConfig(), 10)
    build(optimizer, model.trainable_variables)
    x, y = left_or_right(100)
    reading = Reading(Labeled(x, y), 0, 32)
    step = Step(model, optimizer, reading, augment=augment, cluster=alone())
    totals: Any = np.zeros(3, np.float32)
    for length in (32, 32, 7, 1):
        rows = np.arange(length)
        totals, told = step(Batch(rows, x[rows], y[rows]), batch_seeds(0, 0, 0), totals, False)
        assert [part.shape for part in told] == [(length, 2)]
    assert step.traces == 1 and float(totals[0]) > 0 and float(totals[2]) == 0


def test_a_mixed_twin_computes_in_float16_keeps_float32_and_ends_exactly() -> None:
    model = built("book")
    other = twin(model, floats="float16")
    precisions = {layer.name: layer.compute_dtype for layer in other.layers}
    assert precisions.pop("logits") == precisions.pop(other.layers[-1].name) == "float32"
    assert set(precisions.values()) == {"float16"}
    assert [v.shape for v in other.variables] == [v.shape for v in model.variables]
    assert all(v.dtype == w.dtype for v, w in zip(other.variables, model.variables, strict=True))
    assert {weight.dtype for weight in other.get_weights()} == {np.dtype(np.float32)}


def test_the_gradient_is_followed_that_is_found_beside_the_weights_and_nothing_else_is_of_there() -> None:
    """At a rate of 1 without momentum a step moves by the very gradient; batch norms follow the weights."""
    import keras
    import tensorflow as tf

    x, y = left_or_right(32)
    here, there, plain = (built("small") for _ in range(3))
    for model in (there, plain):
        model.set_weights(here.get_weights())
    seen: list[Any] = []

    def offset(weights: list[Any], gradients: list[Any]) -> list[Any]:
        seen[:] = [len(weights), *(g.shape for g in gradients)]
        return [0.1 * w - g for w, g in zip(weights, gradients, strict=True)]

    def gradients(model: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            answers = model(x, training=True)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, answers))
        return tape.gradient(loss, [v.value for v in model.trainable_variables])

    before = [np.array(v) for v in here.trainable_variables]
    for variable, gradient in zip(there.trainable_variables, gradients(plain), strict=True):
        variable.assign(1.1 * variable - gradient)
    expected = gradients(there)

    config = TrainConfig(optimizer="sgd", momentum=0.0, learning_rate=1.0, schedule="constant", warmup=0.0)
    optimizer = optimizer_of(config, 10)
    build(optimizer, here.trainable_variables)
    reading = Reading(Labeled(x, y), 0, 32)
    step = Step(here, optimizer, reading, augment=Augment(0, "none"), cluster=alone(), offset=offset)
    step(Batch(np.arange(32), x, y), batch_seeds(0, 0, 0), np.zeros(3, np.float32), False)

    assert seen == [len(before), *(w.shape for w in before)]
    for variable, start, gradient in zip(here.trainable_variables, before, expected, strict=True):
        np.testing.assert_allclose(start - variable, gradient, atol=1e-4)
    for mine, other in zip(here.non_trainable_variables, plain.non_trainable_variables, strict=True):
        if mine.name.startswith("moving_"):
            np.testing.assert_allclose(mine, other, atol=1e-5)
    assert step.traces == 1
