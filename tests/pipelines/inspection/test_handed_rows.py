"""Rows come from an `.npz`, an HDF5 pair or a dataset's folder, and fit the model or are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.foreign_models import CLASSES, SHAPE, rows, write_pair

from boomerang.errors import BadInput
from boomerang.manifest import write_dataset
from pipelines.inspection.handed_rows import open_rows

DATA = rows(12)


def test_all_three_give_the_same_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=DATA.x, y=DATA.y)
    np.savez(tmp_path / "gray.npz", x=DATA.x[..., 0], y=DATA.y.astype(np.uint8))
    write_pair(tmp_path / "d.h5", DATA, channels_first=True)
    write_dataset(tmp_path / "d", DATA.x, DATA.y, name="bars", classes=tuple("abcdef"))
    for name in ("d.npz", "gray.npz", "d.h5", "d"):
        found = open_rows(tmp_path / name, SHAPE, CLASSES, "--clean")
        assert np.array_equal(found.x, DATA.x) and np.array_equal(found.y, DATA.y), name
        assert found.y.dtype == np.int64


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another size": ({"x": DATA.x[:, 1:], "y": DATA.y}, "the model takes"),
    "other channels": ({"x": DATA.x.repeat(3, -1), "y": DATA.y}, "the model takes"),
    "a label too many": ({"x": DATA.x, "y": DATA.y + 1}, "has 6 classes"),
    "a label below 0": ({"x": DATA.x, "y": DATA.y - 1}, "has 6 classes"),
    "fewer labels": ({"x": DATA.x, "y": DATA.y[1:]}, "12 images and 11 labels"),
    "no labels": ({"x": DATA.x}, "no arrays x and y"),
    "signed": ({"x": DATA.x.astype(np.int16), "y": DATA.y}, "x is int16"),
    "flat": ({"x": DATA.x.reshape(12, -1), "y": DATA.y}, "x is uint8"),
    "none": ({"x": DATA.x[:0], "y": DATA.y[:0]}, "0 images"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused(case: str, tmp_path: Path) -> None:
    arrays, said = WRONG[case]
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(BadInput, match=said):
        open_rows(tmp_path / "d.npz", SHAPE, CLASSES, "--clean")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,y\n0,1\n")
    with pytest.raises(BadInput, match="neither of the two"):
        open_rows(tmp_path / "d.csv", SHAPE, CLASSES, "--clean")
