"""The training job where a model is given: nothing is trained, and the card says what was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.foreign_models import CLASSES, SHAPE, network, rows, trained, write_keras_2
from helpers.training_jobs import finished, lay_out

from boomerang.contract import Job
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, ConfigError
from boomerang.settings import GivenFile, TrainConfig, TrainSettings
from training.foreign.taken import take
from training.model import ModelView, load_model
from training.train import train

CLEAN = rows(120, seed=5)


def job(ml: Path, model: Any, start: str = "given", **said: Any) -> Job:
    lay_out(
        ml,
        CLEAN,
        CLEAN,
        TrainConfig(epochs=2, batch=32),
        architecture="as_given",
        start=start,
        given=GivenFile(path="own.h5", **said),
    )
    (ml / "input/data/given").mkdir()
    write_keras_2(ml / "input/data/given/own.h5", model)
    return Job(ml, training=True)


def test_the_model_is_taken_as_it_is_and_its_card_says_what_it_was(tmp_path: Path) -> None:
    model = trained(poisoned=False)
    given = job(tmp_path / "ml", model, scale="0..1")
    train(given)
    ours, card = load_model(given.model)
    assert np.allclose(ModelView(given.model).answer(CLEAN.x), model(CLEAN.x / np.float32(255)), atol=1e-5)
    assert card.given is not None and card.given.accuracy > 0.95
    assert (card.given.input_shape, card.given.scale, card.given.features) == (SHAPE, "0..1", "thought")
    assert card.given.file_sha256 == sha256_file(given.input("given") / "own.h5")
    assert (card.rows, card.history, card.record_sha256, set(card.parents)) == (0, {}, None, {"validation"})
    assert ModelView(given.model).record is None and ours.count_params() == model.count_params()


def test_the_same_file_gives_the_same_model(tmp_path: Path) -> None:
    digests = []
    for name in "ab":
        given = job(tmp_path / name, trained(poisoned=False), scale="0..1")
        finished(given.root)
        digests.append(sha256_file(given.model / "model.keras"))
    assert digests[0] == digests[1]


def test_its_network_is_trained_from_scratch_where_the_job_starts_so(tmp_path: Path) -> None:
    given = job(tmp_path / "ml", trained(poisoned=False), start="scratch", scale="0..1")
    train(given)
    card = load_model(given.model)[1]
    assert card.given is None and card.architecture == "as_given" and len(card.history["loss"]) == 2


def test_a_second_host_writes_nothing(tmp_path: Path) -> None:
    given = job(tmp_path / "ml", trained(poisoned=False), scale="0..1")
    machine = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (given.root / "input/config/resourceconfig.json").write_text(json.dumps(machine))
    train(given)
    assert not given.model.exists()


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"set given\.scale"):
        train(job(tmp_path / "a", network()))
    given = job(tmp_path / "b", network(), scale="0..1")
    with pytest.raises(BadInput, match="climbs out"):
        take(given, _settings(given, path="../../../config/hyperparameters.json"))
    with pytest.raises(ConfigError, match=r"given\.path"):
        take(given, given.settings(TrainSettings).model_copy(update={"given": None}))


def _settings(given: Job, **said: Any) -> TrainSettings:
    return given.settings(TrainSettings).model_copy(update={"given": GivenFile(**said)})


def test_as_many_classes_as_outputs(tmp_path: Path) -> None:
    given = job(tmp_path / "ml", network(), scale="0..1")
    other = lay_out(tmp_path / "other", (CLEAN.x, CLEAN.y % 3), (CLEAN.x, CLEAN.y % 3), TrainConfig())
    with pytest.raises(BadInput, match=f"it has {CLASSES} outputs, and the data has 3 classes"):
        (other / "input/data/given").symlink_to(given.input("given"))
        take(Job(other, training=True), given.settings(TrainSettings))
