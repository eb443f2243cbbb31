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
