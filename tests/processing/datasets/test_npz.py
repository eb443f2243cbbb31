"""One's own arrays, from real files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.base import Corpus, Request
from processing.datasets.npz import Npz
from processing.sharing.tasks import alone


def load(path: Path) -> Corpus:
    return Npz().blueprint(Request(path)).build(alone)


def test_an_npz_of_ones_own_takes_its_class_names(tmp_path: Path) -> None:
    Npz.write_example(tmp_path)
    assert load(tmp_path).classes == ("0", "1", "2")
    (tmp_path / "classes.json").write_text(json.dumps(list("abc")))
    found = load(tmp_path)
    assert found.name == "mine" and found.classes == tuple("abc")


def test_class_names_that_are_no_list_are_refused(tmp_path: Path) -> None:
    Npz.write_example(tmp_path)
    (tmp_path / "classes.json").write_text('{"a": 1}')
    with pytest.raises(BadInput, match="no list of names"):
        load(tmp_path)


def test_a_pair_of_npy_is_split_class_by_class(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), np.uint8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(50) % 5)
    found = load(tmp_path)
    assert len(found.train) == 40 and len(found.test) == 10
    assert np.bincount(found.test.y).tolist() == [2] * 5
    rows = {row.tobytes() for row in found.train.x} | {row.tobytes() for row in found.test.x}
    assert rows == {row.tobytes() for row in x}


def test_arrays_and_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    Npz.write_example(tmp_path)
    assert load(tmp_path).refused == ()
    with np.load(tmp_path / "mine.npz") as arrays:
        np.savez(tmp_path / "mine.npz", **arrays, x_val=np.zeros(3), y_val=np.zeros(3))
    (tmp_path / "notes.txt").write_text("x")
    found = {entry["name"]: entry["reason"] for entry in load(tmp_path).refused}
    arrays_read = "of its arrays x_train, y_train, x_test, y_test are read"
    assert found == {
        "mine.npz: x_val": arrays_read,
        "mine.npz: y_val": arrays_read,
        "notes.txt": "of this folder mine.npz is read",
    }


def test_beside_a_pair_nothing_else_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(96, dtype=np.uint8).reshape(6, 4, 4))
    np.save(tmp_path / "y.npy", np.arange(6) % 2)
    Npz.write_example(tmp_path)
    assert [entry["name"] for entry in load(tmp_path).refused] == ["mine.npz"]
