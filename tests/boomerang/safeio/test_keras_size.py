"""A model that asks for more than it holds; `test_hostile.py` has those that are refused without Keras."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import hostile
from helpers.hostile import refusal
from helpers.hostile_cases import INPUT, keras, keras_config, layer

from boomerang import safeio
from boomerang.safeio import models

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def _keras() -> Any:
    return pytest.importorskip("keras", reason="needs Keras with TensorFlow")


def with_config(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Save a model of one dense layer of 1,000 units, and change what the file says of it."""
    import keras

    keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000)]).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    path.write_bytes(hostile.zipped(list(members.items()), zipfile.ZIP_STORED))


def wider(config: dict[str, Any]) -> None:
    """Make two layers of 60,000 units of the one."""
    entry = config["config"]["layers"][-1]
    entry.pop("build_config", None)
    config.pop("build_config", None)
    entry["config"]["units"] = 60_000
    first = json.loads(json.dumps(entry))
    first["config"]["name"] = "first"
    config["config"]["layers"].insert(1, first)


def test_layers_that_each_are_possible_but_not_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each layer has fewer units than the file has weights; what lies between them are 15 GB."""
    path = tmp_path / "m.keras"
    with_config(path, wider)
    monkeypatch.setattr("keras.models.load_model", lambda *_, **__: pytest.fail("its weights were made"))
    assert "need 3,660,120,000 weights, it holds 1,001,000" in refusal(safeio.load_keras_model, path)


@pytest.mark.parametrize(
    "layers",
    [
        [layer("UpSampling2D", size=[1024, 1024])],
        [layer("ZeroPadding2D", padding=[[4000, 4000], [100, 100]])],
        [layer("Flatten"), layer("RepeatVector", n=60_000)],
    ],
    ids=lambda layers: layers[-1]["class_name"],
)
def test_what_passes_between_layers_is_capped(layers: list[Any], put: Callable[[str, bytes], Path]) -> None:
    path = put("m.keras", keras(keras_config(INPUT, *layers)))
    assert "numbers for an image, the limit is 4,194,304" in refusal(safeio.load_keras_model, path)


def test_holding_a_model_against_its_weights_draws_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The training that goes on from an opened model is the same as without the check."""
    path = tmp_path / "m.keras"
    with_config(path, lambda _: None)
    random.seed(1)
    safeio.load_keras_model(path)
    checked = random.random()
    monkeypatch.setattr(models, "check_built", lambda *_: None)
    random.seed(1)
    safeio.load_keras_model(path)
    assert checked == random.random()


def test_a_member_that_no_model_without_files_has(put: Callable[[str, bytes], Path]) -> None:
    path = put("m.keras", keras(None, None, ("assets/vocabulary.txt", b"")))
    for read in (safeio.load_keras_model, safeio.read_keras_graph):
        assert "'assets/vocabulary.txt' is none of a Keras model" in refusal(read, path)
