"""The curve of a pruning: it is what cutting really does, in the order of the activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.errors import ConfigError
from training.fit import seed_everything
from training.labeled import Labeled
from training.learning.mirror import mirrored
from training.model import classifier
from training.repair.common.activity import PruningCurve, pruning_curve
from training.repair.common.channels import cut

ROWS = Labeled(*left_or_right(60))


def drawn(kind: str) -> Any:
    """A network that answers one or the other; whether it is right does not matter here."""
    seed_everything(0)
    model = built(kind)
    answers = classifier(model)(ROWS.x)
    model.layers[-2].get_weights()
    head = model.get_layer("logits")
    if head.bias is not None:
        margin = np.median(np.log(answers[:, 0] / answers[:, 1]))
        head.bias.assign([-margin / 2, margin / 2])
    return model


@pytest.mark.parametrize("kind", ["small", "book", "badnet", "residual", "fast", "lenet"])
def test_each_point_is_the_accuracy_with_so_many_channels_really_cut(kind: str) -> None:
    model = drawn(kind)
    curve = pruning_curve(model, "", ROWS)
    assert sorted(curve.order) == list(range(len(curve.accuracy) - 1))
    weights = model.get_weights()
    for count in (0, 1, len(curve.order) // 2, len(curve.order)):
        cut(model, {curve.layer: np.isin(np.arange(len(curve.order)), curve.order[:count])})
        found = np.mean(classifier(model)(ROWS.x).argmax(1) == ROWS.y)
        assert curve.accuracy[count] == pytest.approx(found, abs=1.5 / 60), "a tie may fall otherwise"
        model.set_weights(weights)


def test_of_a_mirrored_model_it_is_the_curve_of_the_network_inside() -> None:
    model = drawn("small")
    assert np.array_equal(
        pruning_curve(mirrored(model), "", ROWS).accuracy, pruning_curve(model, "", ROWS).accuracy
    )


@pytest.mark.parametrize("kind", ["small", "book"])
def test_the_least_active_channels_come_first(kind: str) -> None:
    model = drawn(kind)
    name = pruning_curve(model, "", ROWS).layer
    layer = model.get_layer(name)
    silent = [3, 7]
    for channel in silent:
        kernel = np.array(layer.kernel)
        kernel[..., channel] = -np.abs(kernel[..., channel]) if kind == "book" else 0
        layer.kernel.assign(kernel)
    if kind == "small":  # what a ReLU makes of the shift is all that these two ever give
        beta = model.layers[model.layers.index(layer) + 1].beta
        beta.assign(np.where(np.isin(np.arange(96), silent), -1.0, 1.0))
    assert set(pruning_curve(model, "", ROWS).order[:2]) == set(silent)


def test_it_is_cut_until_the_accuracy_has_dropped_by_more() -> None:
    curve = PruningCurve("c", np.array([2, 0, 1, 3]), np.array([0.9, 0.9, 0.85, 0.7, 0.1]))
    assert np.flatnonzero(curve.cut_until(0.1)).tolist() == [0, 1, 2]
    assert np.flatnonzero(curve.cut_until(0.0)).tolist() == [0, 2]
    assert curve.cut_until(0.9).all()
    assert curve.note() == {"channels cut": [0, 1, 2, 3, 4], "trusted accuracy": [0.9, 0.9, 0.85, 0.7, 0.1]}


def test_a_layer_that_is_no_convolution_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such convolution"):
        pruning_curve(built("badnet"), "fc_1", ROWS)
