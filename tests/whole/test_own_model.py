"""A model of one's own through the real command: as baseline and surrogate, as victim, in the harden step."""

from __future__ import annotations

import gzip
import json
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from helpers.foreign_models import network, write_keras_2
from helpers.ranges import ROOT, Run
from keras import layers

from boomerang.digest import sha256_file
from pipelines.cli.main import main
from processing.datasets.digits import _load

ENTRY = """
name = "own"
[data]
source = "digits"
validation = 200
[canaries]
candidates_per_class = 3
margin = 0.1
[certify]
rows = 0
[train]
epochs = 6
batch = 32
[screen]
detectors = [{ kind = "activation_clustering" }, { kind = "area_under_margin" }]
"""
# Its poison is made with the baseline as the surrogate.
AS_BASELINE = """
[victim]
epochs = 2
[[attacks]]
kind = "clean_label_backdoor"
target = "0"
rate = 0.3
proxy = "surrogate"
steps = 4
[[harden]]
kind = "fine_pruning"
epochs = 3
"""
AS_VICTIM = """
[[attacks]]
kind = "badnets"
target = "0"
rate = 0.05
[[harden]]
kind = "clp"
[given]
path = "../own.keras"
role = "victim"
scale = "-1..1"
"""


def taught(model: Any, change: Callable[[Any], Any]) -> Any:
    """Return a model after the digits, changed into what it takes."""
    digits = _load(0).train
    x = change(np.asarray(digits.x, np.float32)[..., :1])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=model.name == "logits")
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    model.fit(x, np.asarray(digits.y), epochs=8, batch_size=32, verbose=0)
    return model


def of_keras_2(path: Path) -> None:
    """Write a file of 28 x 28 gray pixels from 0 to 1."""
    model = network(shape=(28, 28, 1), classes=10)
    write_keras_2(path, taught(model, lambda x: np.asarray(keras.ops.image.resize(x, (28, 28))) / 255))


def of_another_size(path: Path) -> None:
    """Write a file of 48 x 48 colored pixels from -1 to 1, which gives logits and has batch norms."""
    keras.utils.set_random_seed(0)
    inner: list[Any] = []
    for filters in (8, 16):
        norm = layers.BatchNormalization(momentum=0.9)
        inner += [layers.Conv2D(filters, 3, strides=2, use_bias=False), norm, layers.ReLU()]
    model = keras.Sequential(
        [layers.Input((48, 48, 3)), *inner, layers.Flatten(), layers.Dense(10)], name="logits"
    )

    def change(x: Any) -> Any:
        return np.repeat(np.asarray(keras.ops.image.resize(x, (48, 48))) / 127.5 - 1, 3, axis=3)

    taught(model, change).save(path)


def run(folder: Path, entry: str, *words: str) -> Run:
    file = folder / "entry.toml"
    file.write_text(ENTRY + entry)
    command = [sys.executable, "-m", "pipelines", "run", "--config", str(file), "--id", "one"]
    done = subprocess.run(
        [*command, "--out", str(folder / "runs"), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr, folder / "runs" / "one")


def card(of: Run, step: str) -> dict[str, Any]:
    (archive,) = (of.folder / "s3").glob(f"*/*/*/runs/{of.folder.name}/{step}/**/model.tar.gz")
    with tarfile.open(archive) as files:
        member: Any = files.extractfile("model.json")
        found: dict[str, Any] = json.load(member)
    return found


@pytest.fixture(scope="module")
def as_baseline(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("baseline")
    of_keras_2(folder / "own.h5")
    return run(folder, AS_BASELINE, "--model", str(folder / "own.h5"), "--set", "given.scale=0..1")


@pytest.fixture(scope="module")
def as_victim(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Signed, in a folder of its own: the entry's path counts from the entry."""
    folder = tmp_path_factory.mktemp("victim")
    of_another_size(folder / "own.keras")
    assert main(["key", str(folder / "key.pem")]) == 0
    (folder / "entries").mkdir()
    return run(folder / "entries", AS_VICTIM, "--sign", str(folder / "key.pem"))


def test_a_file_of_keras_2_is_the_approved_model_the_surrogate_and_what_the_victim_goes_on_from(
    as_baseline: Run,
) -> None:
    assert as_baseline.code in (0, 1), as_baseline.output
    baseline, victim, hardened = (card(as_baseline, s) for s in ("TrainBaseline", "TrainVictim", "Harden"))
    file = as_baseline.folder.parents[1] / "own.h5"
    assert baseline["given"]["file_sha256"] == sha256_file(file)
    assert (baseline["given"]["scale"], baseline["given"]["features"]) == ("0..1", "thought")
    assert baseline["given"]["input_shape"] == [28, 28, 1] and baseline["input_shape"] == [16, 16, 1]
    assert baseline["history"] == {} and set(baseline["parents"]) == {"validation"}
    assert victim["parents"]["baseline"] == baseline["weights_sha256"]
    assert victim["architecture"] == hardened["architecture"] == "as_given"
    assert hardened["repairs"][0]["kind"] == "fine_pruning"
    assert hardened["repairs"][0]["notes"]["channels_cut"] >= 0
    assert as_baseline.step("Poison")["inputs"]["surrogate"]["uri"].endswith("model.tar.gz")


def test_what_is_measured_of_it_is_what_it_is_worth(as_baseline: Run) -> None:
    models = as_baseline.metrics["models"]
    assert models["baseline"]["clean_accuracy"]["value"] > 0.9
    assert models["victim"]["clean_accuracy"]["value"] > 0.85


def test_the_report_says_that_it_was_given_and_not_where_it_lay(as_baseline: Run) -> None:
    report = (as_baseline.folder / "report.json").read_text()
    (told,) = [each for each in json.loads(report)["results"]["models"] if each["model"] == "baseline"]
    assert told["about"] == "given as own.h5, not trained here"
    assert str(as_baseline.folder.parents[1]) not in report


def test_another_size_and_scale_is_the_victim_and_repaired(as_victim: Run) -> None:
    assert as_victim.code in (0, 1), as_victim.output
    baseline, victim, hardened = (card(as_victim, s) for s in ("TrainBaseline", "TrainVictim", "Harden"))
    assert victim["given"]["scale"] == "-1..1" and victim["given"]["input_shape"] == [48, 48, 3]
    assert "given" not in baseline and baseline["architecture"] == "as_given" and baseline["rows"] > 0
    assert hardened["parents"]["victim"] == victim["weights_sha256"]
    assert hardened["repairs"][0]["kind"] == "clp"
    models = as_victim.metrics["models"]
    assert models["victim"]["clean_accuracy"]["value"] > 0.9
    assert models["victim"]["attacks"][0]["asr"]["value"] < 0.3, "it has never seen the trigger"


def test_all_of_it_is_signed_and_verified(as_victim: Run, capsys: pytest.CaptureFixture[str]) -> None:
    key = as_victim.folder.parents[2] / "key.pub.pem"
    assert main(["verify", str(as_victim.folder), "--key", str(key)]) == 0, capsys.readouterr()


# ---- hostile and unfitting files


def _keras(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a .keras file whose description was changed by hand."""
    network(shape=(28, 28, 1), classes=10).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _dense(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][-1]
    return found


def _lambda(path: Path) -> None:
    _keras(path, lambda config: _dense(config).update(class_name="Lambda"))


def _custom(path: Path) -> None:
    _keras(path, lambda config: _dense(config).update(class_name="Mine", module="theirs.layers"))


def _greedy(path: Path) -> None:
    _keras(path, lambda config: _dense(config)["config"].update(units=60_000))


def _old_lambda(path: Path) -> None:
    def change(description: Any) -> None:
        description["config"]["layers"].insert(1, {"class_name": "Lambda", "config": {"name": "l"}})

    write_keras_2(path, network(shape=(28, 28, 1), classes=10), change)


def _weights_alone(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["dense/kernel"] = np.zeros((4, 2), np.float32)


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"a graph")


def _truncated(path: Path) -> None:
    network(shape=(28, 28, 1), classes=10).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def _oversize(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"\x89HDF\r\n\x1a\n")
        stream.truncate((2 << 30) + 1)


def _two_inputs(path: Path) -> None:
    pair = [keras.Input((28, 28, 1)), keras.Input((28, 28, 1))]
    keras.Model(pair, layers.Dense(10)(layers.Flatten()(layers.Add()(pair)))).save(path)


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "lambda.keras": (_lambda, "it has a Lambda, which holds code"),
    "custom.keras": (_custom, "it names theirs.layers.Mine, which is not of Keras"),
    "greedy.keras": (_greedy, "its layers need"),
    "old-lambda.h5": (_old_lambda, "it has a Lambda, which holds code"),
    "weights.h5": (_weights_alone, "it holds no whole model"),
    "pickled.h5": (lambda path: path.write_bytes(pickle.dumps({})), "it is a pickle, which runs code"),
    "packed.tar.gz": (lambda path: path.write_bytes(gzip.compress(b"model")), "packed with gzip"),
    "model.tflite": (lambda path: path.write_bytes(b"\x1c\0\0\0TFL3\x14\0"), "a TFLite model, which has no"),
    "saved_model": (_saved_model, "a SavedModel, whose graph may read and write files"),
    "cut.keras": (_truncated, "it is damaged"),
    "huge.h5": (_oversize, "the limit is 2,147,483,648"),
    "empty.h5": (lambda path: path.write_bytes(b""), "it is empty"),
    "classes.keras": (
        lambda path: network(classes=7).save(path),
        "it has 7 outputs, and the data has 10 classes",
    ),
    "pair.keras": (_two_inputs, "it has 2 inputs"),
    "vector.keras": (
        lambda path: keras.Sequential([layers.Input((784,)), layers.Dense(10)]).save(path),
        "not images of one size",
    ),
    "channels.keras": (lambda path: network(shape=(28, 28, 4), classes=10).save(path), "4 channels"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_unfitting_file_is_refused_by_its_name_before_any_job(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, said = HOSTILE[name]
    write(tmp_path / name)
    (tmp_path / "entry.toml").write_text(ENTRY)
    words = ["run", "--config", str(tmp_path / "entry.toml"), "--out", str(tmp_path / "runs")]
    assert main([*words, "--model", str(tmp_path / name)]) == 2
    told = capsys.readouterr().err
    assert said in told and name in told
    assert not (tmp_path / "runs").exists()
