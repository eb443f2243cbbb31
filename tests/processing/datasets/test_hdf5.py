"""The BadNets laboratories' files, and others of the kind, from real files."""

from __future__ import annotations

from pathlib import Path

import h5py  # type: ignore[import-untyped]  # it ships none
import numpy as np
import pytest

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.hdf5 import Hdf5
from processing.sharing.tasks import alone

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (24, 6, 5, 3), np.uint8), np.arange(24) % 3


def load(path: Path) -> Corpus:
    return Hdf5().blueprint(Request(path)).build(alone)


def write(file: Path, **arrays: object) -> None:
    with h5py.File(file, "w") as made:
        for name, array in arrays.items():
            made.create_dataset(name, data=array, compression="gzip", chunks=True)


def test_a_laboratory_s_two_files_are_trained_and_tested_on(tmp_path: Path) -> None:
    first = np.moveaxis(X, -1, 1).astype(np.float64)
    write(tmp_path / "valid.h5", data=first, label=Y.astype(np.float64))
    write(tmp_path / "test.h5", data=first[:6], label=Y[:6].astype(np.float64))
    found = load(tmp_path)
    assert np.array_equal(found.train.x, X) and np.array_equal(found.train.y, Y)
    assert np.array_equal(found.test.x, X[:6]) and found.classes == ("0", "1", "2")
    assert "valid.h5 is the train split" in found.notes
    assert any("channels first" in note for note in found.notes)


def test_one_file_of_several_splits(tmp_path: Path) -> None:
    write(tmp_path / "all.hdf5", x_train=X, y_train=Y, x_test=X[:6], y_test=Y[:6])
    for path in (tmp_path, tmp_path / "all.hdf5"):
        found = load(path)
        assert (len(found.train), len(found.test), found.validation) == (24, 6, None)


def test_names_that_mean_nothing_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", faces=X, who=Y)
    with pytest.raises(BadInput, match=r"a\.h5: it has faces, who\n.*`data`.*`label`"):
        Hdf5().survey(tmp_path)


def test_an_array_that_lies_in_another_file_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.bin", data=X, label=Y)
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made["data"] = h5py.ExternalLink("secret.bin", "data")
        made.create_dataset("label", data=Y)
    with pytest.raises(BadInput, match=r"a\.h5: it has label"):
        Hdf5().survey(tmp_path / "a.h5")


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", data=X, label=Y)
    (tmp_path / "a.h5").write_bytes((tmp_path / "a.h5").read_bytes()[:-200])
    with pytest.raises(BadInput, match="cannot be read"):
        Hdf5().survey(tmp_path)


def test_a_chunk_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.create_dataset("data", (1 << 20, 1024, 1024, 3), "u1", chunks=(64, 1024, 1024, 3), compression=9)
        made.create_dataset("label", data=Y)
    with pytest.raises(BadInput, match=r"a\.h5: it has label"):
        Hdf5().survey(tmp_path)
