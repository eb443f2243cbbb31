"""Reconstructive neuron pruning: a copy forgets, masks tell, and of the model channels are cut, no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.backdoored import TRUSTED, bench_in, victim
from helpers.training_jobs import built

from boomerang.errors import ConfigError
from training.harden import repaired
from training.labeled import Labeled
from training.model import weights_digest
from training.repair.common.channels import norms_of, pairs_of
from training.repair.rnp import Rnp


def test_it_cuts_channels_and_changes_nothing_else(tmp_path: Path) -> None:
    model, bench = victim(), bench_in(tmp_path)
    before = victim()
    repaired(model, [Rnp(batch=25, below=0.9)], bench)
    noted = bench.notes[0]
    assert noted["channels_cut"] > 0 and noted["accuracy_after_unlearning"] <= 0.5, "no better than chance"
    for name, norm in norms_of(model).items():
        cut = np.isin(np.arange(model.get_layer(name).filters), noted["channels"].get(name, []))
        assert norm is not None
        for layer in (name, norm):
            for old, new in zip(
                before.get_layer(layer).variables, model.get_layer(layer).variables, strict=True
            ):
                assert np.array_equal(np.asarray(old)[..., ~cut], np.asarray(new)[..., ~cut])
        assert not np.asarray(model.get_layer(norm).gamma)[cut].any()


def test_a_mask_turns_down_what_stands_in_the_way() -> None:
    """A channel of the last convolution that is always on is planted, and it speaks at random."""
    model, rng = victim(), np.random.default_rng(0)
    norm = list(pairs_of(model, "rnp").values())[-1]
    beta = model.get_layer(norm).beta
    beta.assign(np.where(np.arange(96) == 7, 4.0, np.asarray(beta)))
    dense = next(layer for layer in model.layers if layer.name.startswith("dense"))
    kernel = np.array(dense.kernel)
    kernel[7::96] = rng.normal(0, 1, kernel[7::96].shape)
    dense.kernel.assign(kernel)
    digest = weights_digest(model)
    (mask,), (again,) = (Rnp(batch=25).masks(model, [norm], Labeled(*TRUSTED), 0) for _ in range(2))
    assert mask.shape == (96,) and (mask >= 0).all() and (mask <= 1).all()
    assert mask.argmin() == 7 and mask[7] < 0.3 < np.median(mask)
    assert np.array_equal(mask, again) and digest == weights_digest(model), "the model stands still"


@pytest.mark.parametrize("kind", ["svm", "lenet"])
def test_a_network_without_batch_norms_behind_convolutions_is_refused(kind: str, tmp_path: Path) -> None:
    model = built("svm") if kind == "svm" else built("lenet", batch_norm=False)
    with pytest.raises(ConfigError, match=r"repair 'rnp'(?s:.*)no batch norm"):
        repaired(model, [Rnp()], bench_in(tmp_path))
