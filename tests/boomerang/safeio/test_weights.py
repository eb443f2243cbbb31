"""Weights alone, of `.h5` files: what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.hostile import refusal

from boomerang.safeio import load_h5_weights


def written(file: Path, change: Callable[[Any], None] = lambda _: None) -> Path:
    """Write a file with one layer in it, and what `change` adds."""
    with h5py.File(file, "w") as h5:
        h5.create_dataset("dense/dense/kernel:0", data=np.ones((2, 3), np.float32))
        change(h5)
    return file


def test_weights_are_found_by_layer_and_name(tmp_path: Path) -> None:
    found = load_h5_weights(written(tmp_path / "w.h5", lambda h5: h5.create_group("dropout")))
    assert list(found) == ["dense"] and list(found["dense"]) == ["kernel"]
    assert np.array_equal(found["dense"]["kernel"], np.ones((2, 3), np.float32))


def test_of_a_whole_model_only_the_weights_are_read(tmp_path: Path) -> None:
    def whole(h5: Any) -> None:
        h5.move("dense", "model_weights/dense")
        h5.create_dataset("optimizer_weights/iterations:0", data=np.int64(3))
        h5.attrs["model_config"] = b"not even JSON"

    assert list(load_h5_weights(written(tmp_path / "w.h5", whole))) == ["dense"]


BAD: dict[str, tuple[Callable[[Any], Any], str]] = {
    "link": (
        lambda h5: h5.__setitem__("more", h5py.ExternalLink("/etc/hosts", "/")),
        "link to somewhere else",
    ),
    "packed": (
        lambda h5: h5.create_dataset("more/kernel:0", (1 << 20,), np.float32, compression="gzip"),
        "packed",
    ),
    "text": (lambda h5: h5.create_dataset("more/kernel:0", data=b"words"), "no numbers"),
    "nan": (
        lambda h5: h5.create_dataset("more/kernel:0", data=np.full(3, np.nan, np.float32)),
        "not finite float32",
    ),
    "double": (lambda h5: h5.create_dataset("more/kernel:0", data=np.ones(3)), "not finite float32"),
    "twice": (
        lambda h5: h5.create_dataset("dense/other/kernel:0", data=np.ones(3, np.float32)),
        "two weights named 'kernel'",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_plainly_weights_is_refused(what: str, tmp_path: Path) -> None:
    change, why = BAD[what]
    assert why in refusal(load_h5_weights, written(tmp_path / "w.h5", change))


def test_a_file_of_another_kind_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_bytes(b"no HDF5")
    assert "cannot be read" in refusal(load_h5_weights, tmp_path / "w.h5")
    h5py.File(tmp_path / "e.h5", "w").close()
    assert "no weights" in refusal(load_h5_weights, tmp_path / "e.h5")
    assert "No such file" in refusal(load_h5_weights, tmp_path / "gone.h5")
