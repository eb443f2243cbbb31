"""Several processes and devices train one model: with the outcome of one, ending and going on together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.training_jobs import ROOT, both, finished, lay_out, left_or_right, weights

from boomerang.contract import Hosts
from boomerang.formats.model import open_record
from boomerang.settings import TrainConfig
from training.cluster import alone, tf_config
from training.labeled import Labeled
from training.model import classifier, load_model

HOSTS = ("algo-1", "algo-2")
# 1,203 rows: the last batch has 19, which two do not share equally.
CONFIG = TrainConfig(epochs=12, batch=32)


def test_the_hosts_of_a_job_become_tf_config() -> None:
    config = json.loads(tf_config(Hosts(HOSTS, "algo-2")))
    assert config["cluster"] == {"worker": ["algo-1:23456", "algo-2:23456"]}
    assert config["task"] == {"type": "worker", "index": 1}


def test_alone_there_is_nothing_to_agree_on() -> None:
    one = alone()
    assert one.chief and one.replicas == 1 and one.agree(True) and not one.agree(False)
    values = [np.arange(3), np.float32([-0.0])]
    assert all(np.array_equal(a, b) for a, b in zip(one.share(values), values, strict=True))
    assert one.united_parts(values[1]) is values[1]


@pytest.fixture(scope="module")
def digits() -> tuple[Labeled, Labeled]:
    """Return rows to train on and rows to test on: scikit-learn's digits, padded to 16 by 16."""
    from sklearn.datasets import load_digits

    known = load_digits()
    x = np.pad((known.images * 15).astype(np.uint8), ((0, 0), (4, 4), (4, 4)))[..., None]
    order = np.random.default_rng(0).permutation(len(x))
    first, rest = order[:1347], order[1347:]
    y = known.target.astype(np.int64)
    return Labeled(x[first], y[first]), Labeled(x[rest], y[rest])


def disks(folder: Path, digits: tuple[Labeled, Labeled]) -> list[Path]:
    train, test = digits
    rows, watched = (train.x[:1203], train.y[:1203]), (test.x[:50], test.y[:50])
    return [
        lay_out(folder / name, rows, watched, CONFIG, hosts=HOSTS, index=index)
        for index, name in enumerate(HOSTS)
    ]


@pytest.fixture(scope="module")
def together(digits: tuple[Labeled, Labeled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk of the first of two hosts that were left to themselves."""
    ml = disks(tmp_path_factory.mktemp("together"), digits)
    with both(ml, fork=False) as hosts:
        assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
    assert not list(ml[1].glob("model/*")) and not list(ml[1].glob("checkpoints/*")), "the first writes"
    assert "epoch" not in hosts[1].log and "weights" not in hosts[1].log
    return ml[0]


def test_two_hosts_train_one_model_that_the_first_one_writes(tmp_path: Path) -> None:
    rows, watched = left_or_right(120), left_or_right(40, seed=1)
    config = TrainConfig(epochs=2, batch=32)
    ml = [
        lay_out(tmp_path / name, rows, watched, config, hosts=HOSTS, index=index)
        for index, name in enumerate(HOSTS)
    ]
    with both(ml) as hosts:
        assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
    _, card = load_model(ml[0] / "model")
    assert card.rows == 120 and len(card.history["val_loss"]) == 2
    record = open_record(ml[0] / "model")
    assert record is not None and np.array_equal(record.y, np.concatenate([rows[1], watched[1]]))
    assert (record.margin != 0).all(), "of each row, whoever learned it"
    assert not list(ml[1].glob("model/*")) and not list(ml[1].glob("checkpoints/*"))
    assert "epoch" not in hosts[1].log and "weights" not in hosts[1].log


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_two_hosts_reach_the_accuracy_of_one(
    together: Path, digits: tuple[Labeled, Labeled], tmp_path: Path
) -> None:
    train, test = digits
    one = lay_out(tmp_path / "one", (train.x[:1203], train.y[:1203]), (test.x[:50], test.y[:50]), CONFIG)
    finished(one)
    reached = []
    for ml in (one, together):
        model, card = load_model(ml / "model")
        reached.append(float(np.mean(classifier(model)(test.x).argmax(1) == test.y)))
        assert card.rows == 1203 and len(card.history["val_loss"]) == 12
    assert reached[0] > 0.95 and abs(reached[0] - reached[1]) <= 0.01, reached


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_two_hosts_end_together_and_go_on_from_the_first_ones_checkpoint(
    together: Path, digits: tuple[Labeled, Labeled], tmp_path: Path
) -> None:
    """The second host has no checkpoint of its own: what the first one read is everybody's."""
    ml = disks(tmp_path, digits)
    with both(ml) as hosts:
        hosts[0].wait_for("epoch 3/12")
        for host in hosts:
            host.send(signal.SIGTERM)
        assert [host.end() for host in hosts] == [143, 143], hosts[0].log + hosts[1].log
    assert hosts[0].reason == hosts[1].reason and "left a checkpoint there" in hosts[0].reason
    assert not list(ml[1].glob("checkpoints/*"))
    with both(ml) as hosts:
        hosts[0].wait_for("epoch 6/12")
        hosts[1].send(signal.SIGKILL)
        assert hosts[0].end() == 2 and "another of its hosts is gone" in hosts[0].reason, hosts[0].log
    with both(ml) as hosts:
        assert [host.end() for host in hosts] == [0, 0], hosts[0].log + hosts[1].log
    assert "going on after" in hosts[0].log and "epoch 6/12" not in hosts[0].log
    assert weights(ml[0]) == weights(together)
    records = [(folder / "model/record.npz").read_bytes() for folder in (ml[0], together)]
    assert records[0] == records[1]


MIRRORED = """
import keras, numpy as np, tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
three = [tf.config.LogicalDeviceConfiguration()] * 3
tf.config.set_logical_device_configuration(cpus[0], three)
from boomerang.settings import TrainConfig
from training.cluster import Cluster, alone
from training.fit import fit, seed_everything
from training.learning.recording import Recorder
from training.repair.ft_sam import sharpest
from functools import partial
from helpers.training_jobs import left_or_right

def trained(cluster, offset):
    seed_everything(0)
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((16, 16, 1), dtype="uint8"), layers.Rescaling(1 / 255), layers.Flatten(),
        layers.Dense(2, name="logits"), layers.Softmax(),
    ])
    x, y = left_or_right(101)
    config = TrainConfig(epochs=3, batch=25, shift=2, mirror="random")
    recorder = Recorder(3, 101, 101)
    history = fit(model, x, y, (x, y), config, 0, cluster=cluster, offset=offset, recorder=recorder)
    record = recorder.record(y, y)
    return [*model.get_weights(), record.margin, record.early_loss], history

mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"])
for offset in (None, partial(sharpest, 1.0)):
    one, several = trained(alone(), offset), trained(Cluster(mirrored), offset)
    for a, b in zip(one[0], several[0], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for name in one[1]:
        np.testing.assert_allclose(one[1][name], several[1][name], atol=1e-5)
print("equal")
"""


@pytest.mark.whole
def test_three_devices_learn_from_every_row_what_one_learns() -> None:
    """Without batch norms there is no difference but rounding; 101 rows leave a last batch of one.

    So too where the gradient is taken beside the weights, at a place that depends on all rows of a batch.
    """
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.endswith("equal\n"), done.stdout + done.stderr
