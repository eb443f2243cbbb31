"""Whole models in an HDF5 file: those of Keras 2 and 3 open, and none of them brings code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.foreign_models import SHAPE, network, rows, write_keras_2
from helpers.hostile import refusal

from boomerang.safeio import load_h5_model

X = rows(12).x / np.float32(255)


@pytest.fixture(scope="module")
def model() -> Any:
    return network()


def answers(model: Any) -> np.ndarray:
    return np.asarray(model(X))


def test_what_keras_3_wrote_answers_as_before(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.h5")
    assert np.array_equal(answers(load_h5_model(tmp_path / "m.h5")), answers(model))


def test_what_keras_2_wrote_answers_as_before(model: Any, tmp_path: Path) -> None:
    assert np.array_equal(answers(load_h5_model(write_keras_2(tmp_path / "m.h5", model))), answers(model))


def test_the_first_versions_had_a_list_for_a_chain(model: Any, tmp_path: Path) -> None:
    def change(description: dict[str, Any]) -> None:
        description["config"] = description["config"]["layers"]

    path = write_keras_2(tmp_path / "m.h5", model, change)
    assert np.array_equal(answers(load_h5_model(path)), answers(model))


def test_a_graph_of_keras_2_with_two_branches_answers_as_before(model: Any, tmp_path: Path) -> None:
    """As the face network of the BadNets laboratories is described: nodes as lists, and an input's shape."""

    def change(description: dict[str, Any]) -> None:
        seen, flat, thought, said = description["config"]["layers"]
        seen["config"].pop("batch_input_shape")
        images = {"name": "images", "batch_input_shape": [None, *SHAPE], "dtype": "float32", "sparse": False}
        other = {"class_name": "Flatten", "config": {**flat["config"], "name": "again"}}
        both = {"class_name": "Average", "config": {"name": "both", "trainable": True, "dtype": "float32"}}
        chain = [{"class_name": "InputLayer", "config": images}, seen, flat, other, both, thought, said]
        given = [[], ["images"], ["seen"], ["seen"], ["flat", "again"], ["both"], ["thought"]]
        for layer, names in zip(chain, given, strict=True):
            layer["name"] = layer["config"]["name"]
            layer["inbound_nodes"] = [[[name, 0, 0, {}] for name in names]] if names else []
        ends = {"input_layers": [["images", 0, 0]], "output_layers": [["said", 0, 0]]}
        description["class_name"] = "Model"
        description["config"] = {"name": "model_1", "layers": chain, **ends}

    two_branches = load_h5_model(write_keras_2(tmp_path / "m.h5", model, change))
    assert np.allclose(np.asarray(two_branches([X])), answers(model), atol=1e-6)


def named(name: str, **config: Any) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        description["config"]["layers"].insert(1, {"class_name": name, "config": {"name": "odd", **config}})

    return change


def wide(description: dict[str, Any]) -> None:
    for layer in description["config"]["layers"][2:]:
        layer["config"]["units"] = 60_000


def deep(description: dict[str, Any]) -> None:
    description["config"]["layers"] *= 600


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "lambda": (named("Lambda", function=["4wEAAAAAAAAA", None, None]), "a Lambda, which holds code"),
    "custom": (named("Mine>Layer"), "Mine>Layer, which is not of Keras"),
    "unknown": (named("Layers"), "Layers, which is not of Keras"),
    "tensor": (named("CompositeTensor", spec={}, tensors=[]), "CompositeTensor, which is not of Keras"),
    "function": (named("Activation", activation={"class_name": "function", "config": "f"}), "has a function"),
    "wide": (wide, "weights or more, it holds"),
    "many": (deep, "layers, the limit is"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_would_run_code_or_ask_for_more_than_is_there_is_refused(
    model: Any, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, said = HOSTILE[case]
    path = write_keras_2(tmp_path / "m.h5", model, change)
    monkeypatch.setattr("keras.Model.load_weights", lambda *_, **__: pytest.fail("it was loaded"))
    assert said in refusal(load_h5_model, path)


def test_weights_alone_a_cut_file_and_another_kind_are_refused(model: Any, tmp_path: Path) -> None:
    whole = write_keras_2(tmp_path / "m.h5", model)
    (tmp_path / "cut.h5").write_bytes(whole.read_bytes()[:4000])
    assert "cannot be read" in refusal(load_h5_model, tmp_path / "cut.h5")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["seen/kernel:0"] = np.zeros((3, 3), np.float32)
    assert "no whole model" in refusal(load_h5_model, tmp_path / "weights.h5")
    with h5py.File(whole, "a") as file:
        file.attrs["model_config"] = np.zeros(4)
    assert "is no text" in refusal(load_h5_model, whole)
    (tmp_path / "text.h5").write_text("no model")
    assert "cannot be read" in refusal(load_h5_model, tmp_path / "text.h5")


def test_weights_of_another_network_are_refused(model: Any, tmp_path: Path) -> None:
    def change(description: dict[str, Any]) -> None:
        description["config"]["layers"][2]["config"]["units"] = 15

    path = write_keras_2(tmp_path / "m.h5", model, change)
    assert "Keras does not take it" in refusal(load_h5_model, path)
