"""The folder of the truth: what is read is what was written, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import IntegrityError
from boomerang.formats.truth import TRUTH, Truth, load_truth, write_truth
from boomerang.manifest import Manifest, commit, read_manifest, write_dataset

WRITTEN = Truth(
    attack_of=np.array([0, 1, 127], np.int8),
    y_true=np.array([2, 0, 1]),
    origin=np.array([0, -1, 1]),
    stands_for=np.array([0, -1, 1]),
    audit={"attacks": [{"name": "badnets", "rate_of_train": None}]},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = np.zeros((2, 4, 4, 1), np.uint8)
    clean = write_dataset(tmp_path / "clean", x, np.array([2, 1]), name="noise", classes=("a", "b", "c"))
    write_truth(tmp_path / "truth", WRITTEN, np.array([1]), clean, Manifest(name="noise", seed=3))
    return tmp_path / "truth"


def test_what_is_loaded_is_what_was_written(folder: Path) -> None:
    found = load_truth(folder)
    for name in ("attack_of", "y_true", "origin", "stands_for"):
        got, wanted = getattr(found, name), getattr(WRITTEN, name)
        assert np.array_equal(got, wanted) and got.dtype == wanted.dtype
    assert found.audit == WRITTEN.audit and found.replaced.tolist() == [1]
    manifest = read_manifest(folder)
    assert (manifest.kind, manifest.seed) == (TRUTH, 3)


def test_a_truth_that_was_changed_is_refused(folder: Path) -> None:
    np.save(folder / "attack_of.npy", np.zeros(3, np.int8))
    with pytest.raises(IntegrityError, match=r"attack_of\.npy has been changed"):
        load_truth(folder)


def test_another_committed_folder_is_no_truth(folder: Path) -> None:
    commit(folder, Manifest(name="noise", kind="screen"))
    with pytest.raises(IntegrityError, match="holds no truth"):
        load_truth(folder)


@pytest.mark.parametrize(
    ("column", "why"), [(np.zeros(3, np.int64), "dtype"), (np.zeros(2, np.int8), "length")]
)
def test_columns_that_do_not_fit_are_refused(folder: Path, column: np.ndarray, why: str) -> None:
    np.save(folder / "attack_of.npy", column)
    commit(folder, Manifest(name="noise", kind=TRUTH))
    with pytest.raises(IntegrityError, match=why):
        load_truth(folder)
