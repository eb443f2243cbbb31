"""A model file of whatever kind is opened by its content, and a pickle is called one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.foreign_models import network, rows
from helpers.hostile import refusal

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


def test_anything_else_is_refused(put: Callable[[str, bytes], Path]) -> None:
    assert "no .keras and no HDF5 file" in refusal(load_foreign_model, put("m.h5", b"(dp0\n."))
