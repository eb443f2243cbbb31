"""One's own arrays, from real files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
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


def test_arrays_and_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    Npz.write_example(tmp_path)
    assert load(tmp_path).refused == ()
    with np.load(tmp_path / "mine.npz") as arrays:
        np.savez(tmp_path / "mine.npz", **arrays, mean=np.zeros(3), std=np.zeros(3))
    (tmp_path / "notes.txt").write_text("x")
    found = {entry["name"]: entry["reason"] for entry in load(tmp_path).refused}
    arrays_read = "of its arrays x_train, y_train, x_test, y_test are read"
    assert found == {
        "mine.npz: mean": arrays_read,
        "mine.npz: std": arrays_read,
        "notes.txt": "of this folder mine.npz is read",
    }


def with_sources(folder: Path, sources: object, *names: str) -> Path:
    """Write an .npz of 24 training rows that says who delivered them."""
    Npz.write_example(folder)
    with np.load(folder / "mine.npz") as arrays:
        np.savez(folder / "mine.npz", **arrays, source_train=np.asarray(sources))
    if names:
        (folder / "sources.json").write_text(json.dumps(names))
    return folder


def test_an_npz_may_say_who_delivered_its_rows(tmp_path: Path) -> None:
    sources = np.arange(24) % 3 - 1
    found = load(with_sources(tmp_path, sources, "here", "there"))
    assert found.source_names == ("here", "there") and found.refused == ()
    assert np.array_equal(found.train.sources, sources) and found.test.sources is None
    assert np.array_equal(found.train.take(np.array([5, 3])).sources, sources[[5, 3]])
    (tmp_path / "sources.json").unlink()
    assert load(tmp_path).source_names == ("0", "1")


def test_rows_of_nobody_alone_are_not_known_to_be_anybody_s(tmp_path: Path) -> None:
    found = load(with_sources(tmp_path, np.full(24, -1)))
    assert found.source_names == () and found.train.sources is None


@pytest.mark.parametrize(
    ("sources", "names", "why"),
    [
        (np.zeros(23, int), (), r"int64\[23\] for 24 rows"),
        (np.zeros(24), (), r"float64\[24\]"),
        (np.full(24, -2), (), "one is -2"),
        (np.full(24, 10**9), (), "one is 1,000,000,000"),
        (np.full(24, 2), ("a", "b"), "each of 3 sources"),
        (np.zeros(24, int), ("a", "a"), "each of 2 sources"),
        (np.zeros(24, int), (" ",), "each of 1 sources"),
    ],
)
def test_sources_that_do_not_fit_are_refused_before_a_row_is_read(
    tmp_path: Path, sources: object, names: tuple[str, ...], why: str
) -> None:
    with_sources(tmp_path, sources, *names)
    for read in (load, Npz().survey):
        with pytest.raises(BadInput, match=why):
            read(tmp_path)
