"""Channels: the batch norm behind a convolution is found, and what is cut gives zero and learns nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, drawn, left_or_right

from boomerang.errors import ConfigError
from training.architectures.common.inside import ways_to_logits
from training.learning.channels import convolution, cut, masked, norms_of, pairs_of
from training.learning.mirror import mirrored
from training.model import classifier

NETWORKS = ["small", "lenet", "book", "badnet", "residual", "fast"]
X, Y = left_or_right(40)


def given(model: Any, layers: list[str], *, training: bool = False) -> list[np.ndarray]:
    """What comes out of layers."""
    import keras

    tensors = ways_to_logits(model)
    inner = keras.Model(model.inputs[0], [tensors[layer] for layer in layers])
    return [np.asarray(each) for each in inner(X, training=training)]


def some(model: Any) -> dict[str, np.ndarray]:
    """Every third channel of each convolution."""
    return {name: np.arange(model.get_layer(name).filters) % 3 == 0 for name in norms_of(model)}


@pytest.mark.parametrize(
    ("kind", "settings", "convolutions", "without"),
    [
        ("small", {}, 3, 0),
        ("lenet", {}, 2, 0),
        ("lenet", {"batch_norm": False}, 2, 2),
        ("book", {}, 6, 0),
        ("badnet", {}, 4, 0),
        ("badnet", {"batch_norm": False}, 4, 4),
        ("residual", {}, 12, 0),
        ("fast", {}, 7, 1),
        ("svm", {}, 0, 0),
    ],
)
def test_each_convolution_has_the_batch_norm_behind_it(
    kind: str, settings: dict[str, bool], convolutions: int, without: int
) -> None:
    model = built(kind, **settings)
    found = norms_of(model)
    assert (len(found), list(found.values()).count(None)) == (convolutions, without)
    norms = [norm for norm in found.values() if norm is not None]
    assert len(set(norms)) == len(norms)
    for name, norm in found.items():
        if norm is not None:
            assert model.get_layer(norm).moving_mean.shape[0] == model.get_layer(name).filters
    assert norms_of(mirrored(model)) == found, "the layers of one that is mirrored are called the same"


def test_the_last_convolution_is_the_one_with_the_longest_way_behind_it() -> None:
    model = built("residual")
    name, _ = convolution(model, "")
    assert model.get_layer(name).kernel_size == (3, 3), "not the short cut beside it"
    assert convolution(built("badnet"), "")[0] == "conv_4"
    assert convolution(built("badnet"), "conv_3")[0] == "conv_3"


def test_a_layer_that_is_not_there_and_a_network_without_any_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"no such convolution(?s:.*)conv_3"):
        convolution(built("badnet"), "conv_33")
    with pytest.raises(ConfigError, match="has no convolution"):
        convolution(built("svm"), "")
    with pytest.raises(ConfigError, match=r"'clp'(?s:.*)no batch norm follows"):
        pairs_of(built("lenet", batch_norm=False), "clp")


@pytest.mark.parametrize("kind", [*NETWORKS, "plain lenet"])
def test_a_channel_that_is_cut_gives_zero_and_the_others_what_they_gave(kind: str) -> None:
    model = drawn("lenet", batch_norm=False) if kind == "plain lenet" else drawn(kind)
    norms, cuts = norms_of(model), some(model)
    ends = [norms[name] or name for name in cuts]
    before, *_ = given(model, ends)
    cut(model, cuts)
    first, *_ = given(model, ends)
    kept = ~next(iter(cuts.values()))
    assert np.array_equal(first[..., kept], before[..., kept]), "of the later ones, the inputs are others"
    for training in (False, True):
        for out, channels in zip(given(model, ends, training=training), cuts.values(), strict=True):
            assert not out[..., channels].any() and out[..., ~channels].any()


@pytest.mark.parametrize(
    ("kind", "mirror"), [*((kind, False) for kind in NETWORKS), ("small", True), ("residual", True)]
)
def test_a_masked_model_answers_as_one_that_is_cut(kind: str, mirror: bool) -> None:
    model = mirrored(drawn(kind)) if mirror else drawn(kind)
    cuts = some(model)
    instead, before = classifier(masked(model, cuts))(X), classifier(model)(X)
    cut(model, cuts)
    after = classifier(model)(X)
    assert np.abs(before - instead).max() > 100 * np.abs(after - instead).max()


def test_of_a_cut_channel_nothing_is_learned() -> None:
    """In a residual network, where what a batch norm gives is added and no ReLU keeps gradients out."""
    model = drawn("residual", width=4)
    norms, (last, _) = norms_of(model), convolution(model, "")
    cuts = {last: some(model)[last]}
    cut(model, cuts)
    assert moved(model, model, cuts, norms), "without a mask it would learn"
    assert not moved(masked(model, cuts), model, cuts, norms)


def moved(trained: Any, model: Any, cuts: Any, norms: Any) -> bool:
    """Whether a gradient reaches weights of cut channels."""
    import tensorflow as tf

    layers = [(model.get_layer(each), name) for name in cuts for each in (name, norms[name])]
    weights = [(v, cuts[name]) for layer, name in layers for v in layer.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(trained(X, training=True)[:, 0])
    gradients = tape.gradient(loss, [variable.value for variable, _ in weights])
    assert any(
        np.asarray(g)[..., ~channels].any() for g, (_, channels) in zip(gradients, weights, strict=True)
    )
    return any(
        np.asarray(g)[..., channels].any() for g, (_, channels) in zip(gradients, weights, strict=True)
    )
