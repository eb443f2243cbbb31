"""Fine-pruning: what was cut stays cut while the rest learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.backdoored import asr_and_accuracy, bench_in, victim
from helpers.training_jobs import built

from boomerang.settings import TrainConfig
from training.harden import repaired
from training.repair.common.channels import norms_of
from training.repair.fine_pruning import FinePruning
from training.repair.pruning import Pruning


def test_what_is_cut_stays_zero_and_the_rest_learns(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    pruned = repaired(victim(), [Pruning(drop=0.1)], bench)
    tuned = repaired(victim(), [FinePruning(drop=0.1, epochs=4)], bench)
    name, norm = list(norms_of(tuned).items())[-1]
    assert norm is not None and bench.notes[0]["channels"] == bench.notes[1]["channels"]
    cut = np.isin(np.arange(tuned.get_layer(name).filters), bench.notes[1]["channels"][name])
    for layer, variable in ((name, "kernel"), (norm, "gamma"), (norm, "beta"), (norm, "moving_mean")):
        values = np.asarray(getattr(tuned.get_layer(layer), variable))
        assert not values[..., cut].any() and values[..., ~cut].any()
        assert not np.array_equal(values, np.asarray(getattr(pruned.get_layer(layer), variable)))
    assert asr_and_accuracy(tuned)[1] > max(0.95, asr_and_accuracy(pruned)[1])
    assert bench.history["loss"][-1] < bench.history["loss"][0] and len(bench.history["loss"]) == 4


def test_where_no_relu_keeps_gradients_out_a_cut_channel_stays_zero_too(tmp_path: Path) -> None:
    """Of an untrained residual network the accuracy never drops: all channels are cut."""
    model = built("residual", width=4)
    repaired(model, [FinePruning(drop=0.99, epochs=1, learning_rate=0.1)], bench_in(tmp_path))
    name, norm = list(norms_of(model).items())[-1]
    assert norm is not None
    zero = [np.asarray(variable) for variable in (model.get_layer(name).kernel, model.get_layer(norm).beta)]
    assert not any(values.any() for values in zero)


def test_a_step_takes_no_more_rows_than_there_are() -> None:
    config = TrainConfig(batch=32, sizes=(8, 16, 16, 16, 16))
    assert FinePruning().recipe(config, 50).batch == 50 and FinePruning().recipe(config, 500).batch == 256
    assert FinePruning().recipe(config, 50).sizes == ()
