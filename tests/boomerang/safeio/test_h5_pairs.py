"""Labeled images in an HDF5 file, as the BadNets laboratories have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.foreign_models import SHAPE, rows, write_pair
from helpers.hostile import refusal

from boomerang.safeio import load_h5_pair

DATA = rows(12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int64])
@pytest.mark.parametrize("channels_first", [True, False])
def test_images_come_as_they_are_shown_whatever_the_order_of_their_axes(
    tmp_path: Path, dtype: Any, *, channels_first: bool
) -> None:
    path = write_pair(tmp_path / "d.h5", DATA, channels_first=channels_first, dtype=dtype)
    x, y = load_h5_pair(path, SHAPE)
    assert x.dtype == np.uint8 and y.dtype == np.int64
    assert np.array_equal(x, DATA.x) and np.array_equal(y, DATA.y)


def test_numbers_from_0_to_1_are_brought_to_255(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file.create_dataset("data", data=DATA.x / 255, compression="gzip")
        file["label"] = DATA.y[:, None]
    x, y = load_h5_pair(tmp_path / "d.h5", SHAPE)
    assert np.array_equal(x, DATA.x) and np.array_equal(y, DATA.y)


def replaced(name: str, values: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[name]
        file[name] = values

    return change


def huge(file: Any) -> None:
    del file["data"]
    file.create_dataset("data", (1 << 40, *SHAPE), np.uint8, chunks=(1, *SHAPE))


def elsewhere(file: Any) -> None:
    del file["data"]
    file["data"] = h5py.ExternalLink("/etc/passwd", "data")


HOSTILE: dict[str, tuple[Callable[[Any], None], str]] = {
    "no labels": (lambda file: file.pop("label"), "no array 'label'"),
    "a group": (lambda file: (file.pop("label"), file.create_group("label")), "no array 'label'"),
    "another size": (
        replaced("data", np.zeros((12, 9, 10, 1))),
        "images are (9, 10, 1), the model takes",
    ),
    "fewer labels": (replaced("label", np.zeros(11)), "its labels are (11,)"),
    "halves": (replaced("label", np.full(12, 0.5)), "no whole numbers"),
    "below 0": (replaced("label", np.full(12, -1)), "no whole numbers"),
    "not a number": (replaced("data", np.full((12, *SHAPE), np.nan)), "not from 0 to 255"),
    "above 255": (replaced("data", np.full((12, *SHAPE), 256)), "not from 0 to 255"),
    "text": (replaced("label", [b"cat"] * 12), "no array of numbers"),
    "huge": (huge, "the limit is"),
    "elsewhere": (elsewhere, "no array 'data'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_such_pair_is_refused(case: str, tmp_path: Path) -> None:
    change, said = HOSTILE[case]
    path = write_pair(tmp_path / "d.h5", DATA)
    with h5py.File(path, "a") as file:
        change(file)
    assert said in refusal(load_h5_pair, path, SHAPE)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.h5").write_text("no data")
    assert "cannot be read" in refusal(load_h5_pair, tmp_path / "d.h5", SHAPE)
