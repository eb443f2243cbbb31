"""The neural polarizer: put in as the identity, trained alone, and the trigger's way through it is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.backdoored import TRUSTED, asr_and_accuracy, bench_in, victim
from helpers.training_jobs import built, drawn, saved

from boomerang.errors import ConfigError
from training.architectures.common.inside import made_of, ways_to_logits
from training.harden import repaired
from training.learning.channels import convolution
from training.learning.descent import cross_entropy
from training.learning.mirror import mirrored, plain
from training.model import FEATURES, LOGITS, Ball, classifier, load_model
from training.repair.npd import Npd, polarized, purifying

X, Y = TRUSTED
SETTINGS: dict[str, Any] = {"epochs": 20, "batch": 25, "learning_rate": 0.03, "norm": "l2", "eps": 765.0}


@pytest.mark.parametrize("kind", ["small", "lenet", "plain lenet", "book", "badnet", "residual", "fast"])
def test_it_is_the_identity_at_first_and_is_saved_and_opened(kind: str, tmp_path: Path) -> None:
    model = drawn("lenet", batch_norm=False) if kind == "plain lenet" else drawn(kind)
    name, norm = convolution(model, "")
    copy, (inserted, inserted_norm) = polarized(model, norm or name, X[:7])
    saved(mirrored(copy), tmp_path)
    answers = classifier(model)(X)
    assert np.abs(classifier(copy)(X) - answers).max() < 1e-4 * np.ptp(answers)
    opened = plain(load_model(tmp_path)[0])
    assert np.array_equal(classifier(opened)(X), classifier(copy)(X))
    tensors = ways_to_logits(opened)
    assert {FEATURES, LOGITS} <= tensors.keys()
    (source,) = made_of(tensors[inserted])
    assert source._keras_history[0].name == (norm or name)
    (source,) = made_of(tensors[inserted_norm])
    assert source._keras_history[0].name == inserted
    behind = [sources for sources in map(made_of, tensors.values()) if tensors[norm or name] in sources]
    assert len(behind) == 1, "nothing goes past it"


def test_it_normalizes_what_comes_out_of_the_layer() -> None:
    import keras

    model = drawn("small")
    norm = str(convolution(model, "")[1])
    out = np.asarray(keras.Model(model.inputs[0], ways_to_logits(model)[norm])(X), np.float64)
    copy, (_, added) = polarized(model, norm, X)
    layer = copy.get_layer(added)
    np.testing.assert_allclose(layer.moving_mean, out.mean((0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, out.var((0, 1, 2)), rtol=1e-3, atol=1e-6)


def test_it_takes_the_backdoor_out_and_changes_nothing_else(tmp_path: Path) -> None:
    model, bench = victim(), bench_in(tmp_path)
    before = asr_and_accuracy(model)
    whole = repaired(model, [Npd(**SETTINGS)], bench)
    after = asr_and_accuracy(whole)
    assert before[0] > 0.9 and after[0] < 0.2 and after[1] > 0.95
    added = [layer.name for layer in whole.layers if layer.name.startswith("polarizer")]
    assert len(added) == 2 and all(layer.trainable for layer in whole.layers)
    for layer in model.layers:
        for old, new in zip(layer.get_weights(), whole.get_layer(layer.name).get_weights(), strict=True):
            assert np.array_equal(old, new)
    assert bench.notes[0]["layer"] == convolution(model, "")[0]


def test_another_one_can_be_put_behind_a_layer_that_has_one(tmp_path: Path) -> None:
    layer = convolution(victim(), "")[0]
    whole = repaired(victim(), [Npd(epochs=1, batch=25, layer=layer)] * 2, bench_in(tmp_path))
    assert sum(layer.name.startswith("polarizer") for layer in whole.layers) == 4


def test_the_loss_is_that_of_the_row_and_of_what_it_is_changed_to() -> None:
    """Within a ball of next to nothing the changed image answers as the image."""
    model = victim()
    answers = classifier(model)(X)
    loss, _ = purifying(cross_entropy, Ball("l2", 1e-6), 1, 0.5)(model, X, Y)
    right, other = answers[np.arange(100), Y], answers[np.arange(100), 1 - Y]  # of two, it is the target too
    clean, _ = cross_entropy(model, X, Y)
    unlearned = -np.log(right) - 2 * np.log(1 - other + 1e-4)
    np.testing.assert_allclose(loss - clean, 0.5 * unlearned, rtol=0.02, atol=1e-3)


def test_the_larger_the_ball_the_more_there_is_to_unlearn() -> None:
    model = victim()
    losses = [np.mean(purifying(cross_entropy, Ball("l2", eps), 2, 1.0)(model, X, Y)[0]) for eps in (1, 300)]
    assert losses[1] > losses[0] + 0.1


def test_a_network_without_that_convolution_is_refused(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    with pytest.raises(ConfigError, match="no such convolution"):
        repaired(victim(), [Npd(layer="conv_3")], bench)
    with pytest.raises(ConfigError, match="no convolution"):
        repaired(built("svm"), [Npd()], bench)
