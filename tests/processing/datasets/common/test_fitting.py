"""Arrays that do not fit are named with their member, by `plan` and `check` too, which read no image."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import hostile

from boomerang.errors import BadInput
from pipelines.campaign.entry import load
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Corpus, Request, Split
from processing.datasets.folder import Folder
from processing.datasets.mnist import Mnist
from processing.datasets.npy import Npy
from processing.datasets.npz import Npz
from processing.sharing.tasks import alone

Change = dict[str, Any]


def layout(**changes: Any) -> dict[str, Any]:
    """Small sound arrays, some of them others."""
    rng = np.random.default_rng(0)
    usual = {
        "x_train": rng.integers(0, 256, (12, 8, 8, 3), np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.integers(0, 256, (6, 8, 8, 3), np.uint8),
        "y_test": np.arange(6) % 3,
    }
    return usual | changes


NOTHING = np.zeros((0, 8, 8, 3), np.uint8)
MISFITS: dict[str, tuple[Change, str]] = {
    "another size": ({"x_test": np.ones((6, 9, 9, 3), np.uint8)}, r"mine\.npz: .*\[8, 8, 3\].*\[9, 9, 3\]"),
    "other channels": ({"x_test": np.ones((6, 8, 8), np.uint8)}, r"mine\.npz: .*\[8, 8, 1\]"),
    "no test rows": (
        {"x_test": NOTHING, "y_test": np.zeros(0, int)},
        r"x_test of mine\.npz: .*\[0, 8, 8, 3\]",
    ),
    "no rows": ({"x_train": NOTHING, "y_train": np.zeros(0, int)}, r"x_train of mine\.npz"),
    "no pixels": ({"x_train": np.zeros((12, 0, 0, 3), np.uint8)}, r"x_train of mine\.npz: .*\[12, 0, 0, 3\]"),
    "uint64": ({"y_train": np.array([2**63] * 12, np.uint64)}, r"y_train of mine\.npz: one is 9,223,372"),
    "negative": ({"y_test": np.array([-1] * 6)}, r"y_test of mine\.npz: one is -1"),
    "a label too many": (
        {"y_test": np.array([1_000] * 6)},
        r"y_test of mine\.npz: one is 1,000, and no",
    ),
    "fewer labels": ({"y_train": np.arange(11) % 3}, r"y_train of mine\.npz: .*for 12 images"),
    "one class": ({"y_train": np.zeros(12, int), "y_test": np.zeros(6, int)}, r"mine\.npz: it has 1 classes"),
}


def looked_at(source: Source, path: Path) -> None:
    source.survey(path)


def made(source: Source, path: Path) -> Corpus:
    return source.blueprint(Request(path)).build(alone)


BOTH = pytest.mark.parametrize("do", [looked_at, made])


@BOTH
@pytest.mark.parametrize("what", MISFITS)
def test_arrays_that_do_not_fit_are_named(do: Callable[..., Any], what: str, tmp_path: Path) -> None:
    changes, words = MISFITS[what]
    np.savez(tmp_path / "mine.npz", **layout(**changes))
    with pytest.raises(BadInput, match=words) as caught:
        do(Npz(), tmp_path)
    assert caught.value.do


@BOTH
def test_sound_arrays_pass(do: Callable[..., Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **layout())
    do(Npz(), tmp_path)
    (tmp_path / "classes.json").write_text('["a", "b", "c"]')
    do(Npz(), tmp_path)


@BOTH
@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "b", "a"], "two classes of one name, 'a'"),
        (["a", "b", "\ud800"], "lone surrogate"),
        (["a", "b", " "], "blank"),
        (["a", "b"], "y_train of mine.npz: one is 2; there are 2 classes"),
        (["a"], "it has 1 classes"),
    ],
)
def test_names_of_classes_that_do_not_do(
    do: Callable[..., Any], names: list[str], words: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "mine.npz", **layout())
    (tmp_path / "classes.json").write_text(json.dumps(names))
    with pytest.raises(BadInput, match=words):
        do(Npz(), tmp_path)


@BOTH
def test_a_pair_is_held_against_itself_too(do: Callable[..., Any], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", layout()["x_train"])
    np.save(tmp_path / "y.npy", np.arange(11) % 3)
    with pytest.raises(BadInput, match=r"y\.npy: it is int64\[11\] for 12 images"):
        do(Npy(), tmp_path)


@BOTH
def test_labels_of_a_source_that_knows_its_classes(do: Callable[..., Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", **layout(y_train=np.full(12, 10)))
    with pytest.raises(BadInput, match=r"y_train of m\.npz: one is 10; there are 10 classes"):
        do(Mnist(), tmp_path)


@BOTH
def test_two_members_of_one_name(do: Callable[..., Any], tmp_path: Path) -> None:
    twice = [("x_train.npy", hostile.npy(np.zeros(1)))] * 2
    (tmp_path / "mine.npz").write_bytes(hostile.zipped(twice))
    with pytest.raises(BadInput, match=r"mine\.npz: it has two members of one name, 'x_train\.npy'"):
        do(Npz(), tmp_path)


@BOTH
def test_a_folder_of_a_class_whose_name_is_not_utf_8(do: Callable[..., Any], tmp_path: Path) -> None:
    Folder.write_example(tmp_path)
    (tmp_path / "cat").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(BadInput, match=r"a class named 'caf\\udce9'"):
        do(Folder(), tmp_path)


def test_rows_that_are_all_alike(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **layout(x_train=np.full((12, 8, 8, 3), 7, np.uint8)))
    with pytest.raises(BadInput, match=r"x_train of mine\.npz: all of them are alike"):
        made(Npz(), tmp_path)


def test_a_corpus_whose_splits_are_of_two_sizes() -> None:
    y = np.array([0, 1])
    x = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    with pytest.raises(BadInput, match=r"'mine': its training images are \[4, 4, 1\]"):
        Corpus("mine", ("a", "b"), Split(x, y), Split(x[:, :3, :3], y))


def test_an_entry_with_such_data_is_refused_before_anything_runs(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **layout(x_test=np.ones((6, 9, 9, 3), np.uint8)))
    entry = tmp_path / "mine.toml"
    entry.write_text('[data]\nsource = "npz"\npath = "mine.npz"\n')
    with pytest.raises(BadInput, match="bring all of them to one size"):
        load(str(entry))


def test_the_faces_of_a_laboratory_are_not_too_many_classes(tmp_path: Path) -> None:
    y = np.arange(1_283)
    x = np.random.default_rng(0).integers(0, 256, (len(y), 4, 4), np.uint8)
    np.savez(tmp_path / "faces.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert len(Npz().survey(tmp_path).classes) == 1_283
