"""One's own arrays in `.npy` files, from real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.npy import Npy
from processing.sharing.tasks import alone


def load(path: Path) -> Corpus:
    return Npy().blueprint(Request(path)).build(alone)


def test_a_pair_of_npy_is_split_class_by_class(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), np.uint8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(50) % 5)
    found = load(tmp_path)
    assert len(found.train) == 40 and len(found.test) == 10
    assert np.bincount(found.test.y).tolist() == [2] * 5
    rows = {row.tobytes() for row in found.train.x} | {row.tobytes() for row in found.test.x}
    assert rows == {row.tobytes() for row in x}


def test_beside_a_pair_nothing_else_is_read(tmp_path: Path) -> None:
    Npy.write_example(tmp_path)
    (tmp_path / "mine.npz").write_bytes(b"PK")
    assert [entry["name"] for entry in load(tmp_path).refused] == ["mine.npz"]


def test_the_sources_of_a_pair_go_with_its_rows(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), np.uint8)
    for name, array in (("x", x), ("y", np.arange(50) % 5), ("source", np.arange(50) // 10)):
        np.save(tmp_path / f"{name}.npy", array)
    found = load(tmp_path)
    where = {row.tobytes(): number // 10 for number, row in enumerate(x)}
    assert found.source_names == tuple("01234") and found.refused == ()
    assert found.train.sources is not None
    assert found.train.sources.tolist() == [where[row.tobytes()] for row in found.train.x]
