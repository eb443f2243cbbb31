"""The step of a training: one trace for all batches, and what a mixed twin is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.settings import TrainConfig
from training.cluster import alone
from training.fit import batch_seeds
from training.step import Step, adam, twin


@pytest.mark.parametrize("augment", [False, True])
def test_the_step_is_traced_once_whatever_the_length_of_a_batch(augment: bool) -> None:
    model = built("small")
    optimizer = adam(TrainConfig(), 10, mixed=False)
    optimizer.build(model.trainable_variables)
    step = Step(model, optimizer, *left_or_right(100), augment=augment, cluster=alone())
    totals: Any = np.zeros(3, np.float32)
    for length in (32, 32, 7, 1):
        totals = step(np.arange(length), batch_seeds(0, 0, 0), totals, False)
    assert step.traces == 1 and float(totals[0]) > 0 and float(totals[2]) == 0


def test_a_mixed_twin_computes_in_float16_keeps_float32_and_ends_exactly() -> None:
    model = built("book")
    other = twin(model, mixed=True)
    precisions = {layer.name: layer.compute_dtype for layer in other.layers}
    assert precisions.pop("logits") == precisions.pop(other.layers[-1].name) == "float32"
    assert set(precisions.values()) == {"float16"}
    assert [v.shape for v in other.variables] == [v.shape for v in model.variables]
    assert all(v.dtype == w.dtype for v, w in zip(other.variables, model.variables, strict=True))
    assert {weight.dtype for weight in other.get_weights()} == {np.dtype(np.float32)}
