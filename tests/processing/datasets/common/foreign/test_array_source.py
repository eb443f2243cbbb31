"""Arrays of several splits, from files to a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.npz import Npz
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (3_000, 4, 4, 3), np.uint8), np.arange(3_000) % 3


def load(folder: Path, name: str = "", **arrays: npt.NDArray[Any]) -> Corpus:
    np.savez(folder / "mine.npz", **arrays)
    return Npz().blueprint(Request(folder, name)).build(alone)


def test_what_medmnist_calls_its_arrays_and_its_validation_split(tmp_path: Path) -> None:
    splits = {"train": slice(0, 2_000), "val": slice(2_000, 2_500), "test": slice(2_500, 3_000)}
    arrays = {f"{part}_images": X[rows] for part, rows in splits.items()}
    arrays |= {f"{part}_labels": Y[rows, None] for part, rows in splits.items()}
    found = load(tmp_path, **arrays)
    assert found.validation is not None and found.name == "mine"
    assert (len(found.train), len(found.test), len(found.validation)) == (2_000, 500, 500)
    assert np.array_equal(found.validation.x, X[2_000:2_500])


def test_images_of_another_form_are_converted_in_stretches_to_the_same_bytes(tmp_path: Path) -> None:
    floats = np.moveaxis(X / np.float32(255), -1, 1)
    found = load(tmp_path, x=floats, y=np.eye(3)[Y])
    plain = load(tmp_path, x=X, y=Y)
    for one, other in ((found.train, plain.train), (found.test, plain.test)):
        assert one.x.tobytes() == other.x.tobytes() and one.y.tobytes() == other.y.tobytes()
    assert plain.notes == ("there is no test set: a fifth of each class is held out",)
    assert len(found.notes) == 4 and found.notes[-1] == plain.notes[0]


def test_the_name_that_the_user_gives_is_the_data_s(tmp_path: Path) -> None:
    assert load(tmp_path, "our faces", x=X[:30], y=Y[:30]).name == "our faces"


def test_splits_of_two_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"x_test of mine\.npz: its training images are \[4, 4, 3\]"):
        load(tmp_path, x_train=X[:30], y_train=Y[:30], x_test=X[:9, :3], y_test=Y[:9])


def test_names_that_are_given_beside_a_file_name_its_classes(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text(json.dumps(["caf\u00e9", "tea", "water"]))
    found = load(tmp_path, x=X[:30], y=Y[:30])
    assert found.classes == ("caf\u00e9", "tea", "water")
    (tmp_path / "classes.json").write_text(json.dumps(["caf\u00e9", "cafe\u0301", "water"]))
    with pytest.raises(BadInput, match="two classes of one name, 'caf\u00e9'"):
        load(tmp_path, x=X[:30], y=Y[:30])


def test_a_file_given_by_its_own_name_has_its_class_names_beside_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x=X[:30], y=Y[:30])
    (tmp_path / "classes.json").write_text('["a", "b", "c"]')
    (tmp_path / "other.npz").write_bytes(b"PK\3\4")
    found = Npz().survey(tmp_path / "mine.npz")
    assert found.classes == ("a", "b", "c") and found.refused == ()
