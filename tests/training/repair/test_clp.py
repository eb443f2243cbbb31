"""Channel Lipschitz pruning: the channel that stands out is cut, and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.backdoored import bench_in
from helpers.training_jobs import built

from boomerang.errors import ConfigError
from training.harden import repaired
from training.repair.clp import Clp
from training.repair.common.channels import norms_of


def test_the_channel_that_amplifies_most_is_cut_and_no_other(tmp_path: Path) -> None:
    model, bench = built(), bench_in(tmp_path)
    name, norm = list(norms_of(model).items())[1]
    kernel = np.array(model.get_layer(name).kernel)
    kernel[..., 5] *= 40
    model.get_layer(name).kernel.assign(kernel)
    before = [np.array(weights) for weights in model.get_weights()]
    repaired(model, [Clp()], bench)
    cut = np.arange(kernel.shape[-1]) == 5
    assert norm is not None
    assert not np.asarray(model.get_layer(name).kernel)[..., cut].any()
    assert not np.asarray(model.get_layer(norm).gamma)[cut].any()
    changed = [
        np.flatnonzero((a != b).reshape(-1, a.shape[-1]).any(0))
        for a, b in zip(before, model.get_weights(), strict=True)
    ]
    assert {tuple(channels) for channels in changed} == {(), (5,)}
    noted = bench.notes[0]
    assert (noted["channels_cut"], noted["channels"]) == (1, {name: [5]}) and noted["furthest"] > 3


def test_where_none_stands_out_nothing_is_cut(tmp_path: Path) -> None:
    model, bench = built(), bench_in(tmp_path)
    before = model.get_weights()
    repaired(model, [Clp(u=10)], bench)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert bench.notes[0]["channels_cut"] == 0


@pytest.mark.parametrize("kind", ["svm", "lenet"])
def test_a_network_without_batch_norms_behind_convolutions_is_refused(kind: str, tmp_path: Path) -> None:
    model = built("svm") if kind == "svm" else built("lenet", batch_norm=False)
    with pytest.raises(ConfigError, match=r"repair 'clp'(?s:.*)no batch norm"):
        repaired(model, [Clp()], bench_in(tmp_path))
