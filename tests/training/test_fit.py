"""The training loop: it learns, and the seed alone says what."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right, saved

from boomerang.errors import ConfigError, StepFailed, Stopped
from boomerang.settings import TrainConfig
from training.checkpoint import Checkpoints
from training.cluster import Cluster, alone
from training.fit import History, batch_seeds, fit, seed_everything
from training.learning.descent import Offset, cross_entropy
from training.learning.reading import Reading, row_order
from training.learning.recording import Recorder
from training.model import load_model, weights_digest
from training.repair.ft_sam import sharpest

X, Y = left_or_right(600)
ROWS, VALIDATION = (X[:500], Y[:500]), (X[500:], Y[500:])


def trained(
    config: TrainConfig, seed: int = 0, cluster: Cluster | None = None, architecture: str = "small"
) -> Any:
    seed_everything(seed)
    model = built(architecture)
    return model, fit(model, *ROWS, VALIDATION, config, seed, cluster=cluster)


def test_training_learns_and_the_same_seed_gives_the_same_weights() -> None:
    config = TrainConfig(epochs=3, batch=32)
    (one, history), (two, _), (other, _) = trained(config), trained(config), trained(config, seed=1)
    assert history["val_accuracy"][-1] > 0.95 and len(history["loss"]) == 3
    assert weights_digest(one) == weights_digest(two) != weights_digest(other)


@pytest.mark.whole
def test_augmentation_is_seeded_too_and_changes_the_outcome() -> None:
    plain, shifted = (
        TrainConfig(epochs=1, batch=32),
        TrainConfig(epochs=1, batch=32, shift=2, mirror="random"),
    )
    digests = [weights_digest(trained(config)[0]) for config in (plain, shifted, shifted)]
    assert digests[0] != digests[1] == digests[2]


def test_the_history_is_what_keras_says_of_the_model() -> None:
    """At a learning rate of next to nothing the model of the last step is that of every step."""
    import keras

    seed_everything(0)
    model = built()
    model.layers[-2].set_weights([w + 0.1 for w in model.layers[-2].get_weights()])
    history = fit(model, *ROWS, VALIDATION, TrainConfig(epochs=1, batch=500, learning_rate=1e-12), 0)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(*VALIDATION, verbose=0)
    assert history["val_loss"][0] == pytest.approx(loss, rel=1e-5)
    assert history["val_accuracy"][0] == pytest.approx(accuracy)
    probabilities = np.array(model(ROWS[0], training=True))
    known = keras.losses.sparse_categorical_crossentropy(ROWS[1], probabilities)
    assert history["loss"][0] == pytest.approx(float(np.mean(known)), rel=1e-4)
    assert history["accuracy"][0] == pytest.approx(float(np.mean(probabilities.argmax(1) == ROWS[1])))


def test_an_epoch_goes_through_every_row_once_in_an_order_of_its_own() -> None:
    orders = [row_order(seed, epoch, 100) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    for order in orders:
        assert sorted(order) == list(range(100))
    assert not any(np.array_equal(a, b) for a, b in zip(orders, orders[1:] + orders[:1], strict=True))
    assert np.array_equal(row_order(0, 1, 100), orders[1])
    assert not np.array_equal(batch_seeds(0, 1, 2), batch_seeds(0, 1, 3))


def test_a_loss_that_is_no_number_ends_the_training_with_the_reason() -> None:
    with pytest.raises(StepFailed, match="no longer a number in epoch 1"):
        trained(TrainConfig(epochs=3, batch=32).model_copy(update={"learning_rate": 1e30}))


def test_sigterm_is_listened_to_again_as_before_when_the_training_is_over() -> None:
    before = signal.getsignal(signal.SIGTERM)
    trained(TrainConfig(epochs=1, batch=250))
    assert signal.getsignal(signal.SIGTERM) is before


def as_on_a_gpu() -> Cluster:
    """Return what one GPU would be, on the CPU: mixed precision, and compiled."""
    import tensorflow as tf

    return Cluster(tf.distribute.OneDeviceStrategy("CPU:0"), accelerated=True, half="float16")


@pytest.mark.whole
def test_what_a_gpu_has_trained_is_saved_in_float32_and_as_good(tmp_path: Path) -> None:
    config = TrainConfig(epochs=3, batch=32)
    model, history = trained(config, cluster=as_on_a_gpu())
    assert history["val_accuracy"][-1] > 0.95
    saved(model, tmp_path, history=history)
    opened, _ = load_model(tmp_path)
    assert {layer.compute_dtype for layer in opened.layers} == {"float32"}
    assert weights_digest(opened) == weights_digest(model) != weights_digest(trained(config)[0])


@pytest.mark.whole
def test_a_model_that_xla_cannot_compile_trains_without(capsys: pytest.CaptureFixture[str]) -> None:
    """The book's: with reproducible operations XLA has no gradient of max pooling."""
    _, history = trained(TrainConfig(epochs=1, batch=100), cluster=as_on_a_gpu(), architecture="book")
    assert "XLA cannot compile this model, it trains without: " in capsys.readouterr().out
    assert history["accuracy"][0] > 0.5


def test_another_loss_is_learned_where_one_is_given() -> None:
    """Told that every label is the other one, a model learns to be wrong; and the history says its loss."""
    import keras

    def contrary(model: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        answers = model(images, training=True)
        return keras.losses.sparse_categorical_crossentropy(1 - labels, answers), answers

    seed_everything(0)
    model = built()
    history = fit(model, *ROWS, VALIDATION, TrainConfig(epochs=3, batch=32), 0, loss=contrary)
    assert history["val_accuracy"][-1] < 0.05 and history["accuracy"][-1] < 0.05
    assert history["loss"][-1] < 0.2 < history["val_loss"][-1]


def test_the_honest_loss_is_the_default_to_the_bit() -> None:
    config = TrainConfig(epochs=1, batch=100)
    seed_everything(0)
    model = built()
    fit(model, *ROWS, VALIDATION, config, 0, loss=cross_entropy)
    assert weights_digest(model) == weights_digest(trained(config)[0])


EVERYTHING = TrainConfig(
    epochs=3,
    batch=32,
    optimizer="sgd",
    learning_rate=0.05,
    weight_decay=1e-3,
    schedule="linear",
    label_smoothing=0.1,
    shift=1,
    mirror="alternating",
    sizes=(12, 16, 16),
    mirror_at_test=True,
)


def pooled() -> Any:
    """Return the least network that takes images of any size."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((16, 16, 1), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.GlobalMaxPooling2D(name="features"),
            layers.Dense(2, name="logits"),
            layers.Softmax(),
        ]
    )


def stopped_at(monkeypatch: pytest.MonkeyPatch, epoch: int, step: int) -> None:
    """Let SIGTERM arrive while a batch is read."""
    read = Reading.__call__

    def reading(self: Reading, now: int, number: int) -> Any:
        if (now, number) == (epoch, step):
            signal.raise_signal(signal.SIGTERM)
        return read(self, now, number)

    monkeypatch.setattr(Reading, "__call__", reading)


@pytest.mark.parametrize(("most", "offset"), [(None, None), (20_000, None), (None, partial(sharpest, 0.5))])
def test_with_every_setting_a_stopped_training_ends_at_the_same_weights_and_record(
    most: int | None, offset: Offset | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory, and where the rows are read through a shuffle of blocks, windows of 128 rows.

    Also where the gradient is taken beside the weights.
    """
    if most:
        monkeypatch.setattr("training.labeled.IN_MEMORY", most)

    def learned(checkpoints: Checkpoints | None = None) -> tuple[str, History, bytes]:
        seed_everything(0)
        model, recorder = pooled(), Recorder(3, 500, 100)
        more: Any = {"checkpoints": checkpoints, "rates": {"beta": 4.0}, "recorder": recorder}
        more["offset"] = offset
        history = fit(model, *ROWS, VALIDATION, EVERYTHING, 0, **more)
        record = recorder.record(ROWS[1], VALIDATION[1])
        assert (record.margin != 0).all() and (record.early_loss != 0).all()
        return weights_digest(model), history, record.margin.tobytes() + record.early_loss.tobytes()

    whole, checkpoints = learned(), Checkpoints(tmp_path, "0" * 64)
    for place in ((0, 2), (1, 3)):
        with monkeypatch.context() as patch, pytest.raises(Stopped, match="left a checkpoint there"):
            stopped_at(patch, *place)
            learned(checkpoints)
    assert learned(checkpoints) == whole


def test_sizes_that_the_network_cannot_take_are_refused_before_the_first_step() -> None:
    config = TrainConfig(epochs=2, batch=32, sizes=(8, 16))
    with pytest.raises(ConfigError, match=r"cannot take images of 8 x 8 pixels"):
        fit(built("small"), *ROWS, VALIDATION, config, 0)


def test_bfloat16_is_learned_in_and_float32_is_what_comes_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """TensorFlow emulates it where the CPU has none."""
    one = Cluster(alone().strategy, half="bfloat16")
    config = TrainConfig(epochs=2, batch=100, precision="mixed")
    model, history = trained(config, cluster=one)
    assert "computing in bfloat16" in capsys.readouterr().out
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype(np.float32)}
    assert history["accuracy"][-1] > 0.7
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert weights_digest(model) != weights_digest(trained(config, cluster=alone())[0])
