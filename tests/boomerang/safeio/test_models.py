"""Keras models: the digest first, then the caps, then safe mode."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import hostile
from helpers.hostile import refusal

from boomerang import safeio
from boomerang.digest import sha256_file
from boomerang.errors import IntegrityError


def test_model_digest_is_checked_before_anything_else(put: Callable[[str, bytes], Path]) -> None:
    path = put("m.keras", hostile.npz_bomb(1))
    with pytest.raises(IntegrityError, match="not the model it should be"):
        safeio.load_keras_model(path, "0" * 64)


def test_model_bomb_and_foreign_zip(put: Callable[[str, bytes], Path]) -> None:
    assert "zip bomb" in refusal(safeio.load_keras_model, put("b.keras", hostile.npz_bomb()))
    for reader in (safeio.load_keras_model, safeio.read_keras_graph):
        assert "not a Keras model" in refusal(reader, put("z.keras", hostile.zipped([("a", b"b")])))
    assert "zip bomb" in refusal(safeio.read_keras_graph, put("b.keras", hostile.npz_bomb()))


@pytest.fixture(scope="module")
def keras() -> Any:
    return pytest.importorskip("keras", reason="needs Keras with TensorFlow")


@pytest.mark.filterwarnings("ignore")
class TestKeras:
    def test_model_is_loaded_with_its_digest(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
        model = safeio.load_keras_model(path, sha256_file(path))
        assert model.count_params() == 3

    def test_what_it_says_of_its_layers_can_be_read_without_loading_it(
        self, keras: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="two").save(path)
        assert json.loads(safeio.read_keras_graph(path))["config"]["name"] == "two"

    def test_model_with_code_of_its_own_is_refused(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(path)
        assert "it has a Lambda, which holds code" in refusal(safeio.load_keras_model, path)

    def test_model_naming_a_foreign_class_is_refused(self, keras: Any, tmp_path: Path) -> None:
        path = tmp_path / "m.keras"
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
        with zipfile.ZipFile(path) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
        config = json.loads(dict(members)["config.json"])
        config["module"], config["class_name"] = "subprocess", "Popen"
        changed = [(n, json.dumps(config).encode() if n == "config.json" else d) for n, d in members]
        path.write_bytes(hostile.zipped(changed))
        assert "it names subprocess.Popen, which is not of Keras" in refusal(safeio.load_keras_model, path)
