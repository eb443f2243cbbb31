"""What was overwritten: it is read as it was written, and refused where its parts do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import IntegrityError
from boomerang.formats import overwritten as made_here
from boomerang.formats.overwritten import load_overwritten, write_overwritten
from boomerang.manifest import Dataset, write_dataset

CLASSES = ("a", "b")
REPLACED, CHANGED = np.array([1, 3, 4, 8]), np.array([1, 4, 8])


@pytest.fixture
def clean(tmp_path: Path) -> Dataset:
    x = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3), np.uint8)
    return write_dataset(tmp_path / "clean", x, np.arange(9) % 2, name="noise", classes=CLASSES, seed=5)


@pytest.fixture
def folder(clean: Dataset, tmp_path: Path) -> Path:
    write_overwritten(tmp_path / "kept", REPLACED, CHANGED, clean)
    return tmp_path / "kept"


@pytest.mark.parametrize("picked", [1, 2, 128])
def test_what_is_loaded_is_what_was_written(
    clean: Dataset, tmp_path: Path, picked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_here, "_PICKED", picked)
    write_overwritten(tmp_path / "kept", REPLACED, CHANGED, clean)
    found = load_overwritten(tmp_path / "kept")
    assert np.array_equal(found.replaced, REPLACED) and np.array_equal(found.changed, CHANGED)
    assert np.array_equal(found.y, clean.y[REPLACED]) and np.array_equal(found.x, clean.x[CHANGED])
    assert found.clean.digest == clean.manifest.digest


def test_where_nothing_was_replaced_nothing_is_kept(clean: Dataset, tmp_path: Path) -> None:
    none = np.empty(0, np.int64)
    write_overwritten(tmp_path / "kept", none, none, clean)
    found = load_overwritten(tmp_path / "kept")
    assert found.x.shape == (0, 4, 4, 3) and len(found.replaced) == len(found.y) == 0


@pytest.mark.parametrize(
    ("name", "column", "why"),
    [
        ("replaced", [1, 3, 4, 9], "rows that were replaced"),
        ("replaced", [1, 4, 3, 8], "rows that were replaced"),
        ("y", [0], "rows that were replaced"),
        ("changed", [1, 4, 5], "images were changed"),
        ("changed", [1, 1, 8], "images were changed"),
        ("changed", [1, 4], r"its images are uint8\[3, 4, 4, 3\]"),
    ],
)
def test_parts_that_do_not_fit_are_refused(folder: Path, name: str, column: list[int], why: str) -> None:
    np.save(folder / f"{name}.npy", np.array(column))
    with pytest.raises(IntegrityError, match=why):
        load_overwritten(folder)


def test_a_manifest_without_images_is_refused(folder: Path) -> None:
    clean = json.loads((folder / "clean.json").read_text())
    (folder / "clean.json").write_text(json.dumps(clean | {"shape": []}))
    with pytest.raises(IntegrityError, match="rows that were replaced"):
        load_overwritten(folder)
