"""Pruning: the channels that trusted rows use least are gone, as many as the drop says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.backdoored import TRUSTED, bench_in, victim
from helpers.training_jobs import built

from boomerang.errors import ConfigError
from training.harden import repaired
from training.labeled import Labeled
from training.model import classifier
from training.repair.common.activity import pruning_curve
from training.repair.common.channels import norms_of
from training.repair.pruning import Pruning


@pytest.mark.parametrize("layer", [0, -1])
def test_the_least_active_channels_are_cut_until_the_accuracy_drops(layer: int, tmp_path: Path) -> None:
    model, bench = victim(), bench_in(tmp_path)
    name = list(norms_of(model))[layer]
    curve = pruning_curve(model, name, Labeled(*TRUSTED))
    repaired(model, [Pruning(layer=name if layer == 0 else "", drop=0.1)], bench)
    noted = bench.notes[0]
    count = noted["channels_cut"]
    assert 0 < count < noted["of"] and noted["layer"] == name
    kernel = np.asarray(model.get_layer(name).kernel)
    dead = ~kernel.reshape(-1, kernel.shape[-1]).any(0)
    assert set(np.flatnonzero(dead)) == set(curve.order[:count])
    accuracy = np.mean(classifier(model)(TRUSTED[0]).argmax(1) == TRUSTED[1])
    assert accuracy == noted["curve"]["trusted accuracy"][count]
    assert curve.accuracy[0] - accuracy > 0.1 >= curve.accuracy[0] - curve.accuracy[count - 1]


def test_a_network_without_that_convolution_is_refused(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    with pytest.raises(ConfigError, match="no such convolution"):
        repaired(victim(), [Pruning(layer="conv_3")], bench)
    with pytest.raises(ConfigError, match="no convolution"):
        repaired(built("svm"), [Pruning()], bench)
