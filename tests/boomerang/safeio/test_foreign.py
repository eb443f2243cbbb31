"""A model file of whatever kind is opened by its content, and a pickle is called one."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.foreign_models import network, rows
from helpers.hostile import refusal

from boomerang.errors import BadInput
from boomerang.safeio import load_foreign_model


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_the_content_tells_the_kind_and_not_the_name(kind: str, tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / f"m.{kind}")
    (tmp_path / f"m.{kind}").rename(tmp_path / "model.bin")
    x = rows(6).x / np.float32(255)
    assert np.array_equal(np.asarray(load_foreign_model(tmp_path / "model.bin")(x)), np.asarray(model(x)))


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_is_refused_by_name(protocol: int, put: Callable[[str, bytes], Path]) -> None:
    assert "a pickle, which runs code" in refusal(load_foreign_model, put("m.h5", pickle.dumps([], protocol)))


def test_a_compiled_model_is_opened_without_what_it_was_compiled_with(tmp_path: Path) -> None:
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(rows(6).x / np.float32(255), rows(6).y, verbose=0)
    model.save(tmp_path / "m.keras")
    opened = load_foreign_model(tmp_path / "m.keras")
    assert all(np.array_equal(a, b) for a, b in zip(opened.get_weights(), model.get_weights(), strict=True))
    assert not opened.compiled


@pytest.mark.parametrize("metadata", [True, False])
def test_a_saved_model_is_refused_and_how_to_convert_it_is_said(metadata: bool, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    if metadata:
        (folder / "keras_metadata.pb").write_bytes(b"layers")
    with pytest.raises(BadInput) as error:
        load_foreign_model(folder)
    said = str(error.value)
    assert "a SavedModel, whose graph may read and write files" in said
    assert "model.save('model.keras')" in said
    assert ("tf_keras.models.load_model('" in said) == metadata


def test_tflite_gzip_and_another_folder_are_refused_by_name(
    put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    assert "a TFLite model, which has no gradients" in refusal(
        load_foreign_model, put("m.tflite", b"\x1c\0\0\0TFL3\x14\0")
    )
    assert "packed with gzip" in refusal(load_foreign_model, put("m.tar.gz", gzip.compress(b"x")))
    assert "it is a folder" in refusal(load_foreign_model, tmp_path)


def test_anything_else_is_refused(put: Callable[[str, bytes], Path]) -> None:
    assert "no .keras and no HDF5 file" in refusal(load_foreign_model, put("m.h5", b"(dp0\n."))
