"""Sheets of small images: what was written is read, and what was changed is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from boomerang.errors import BadInput, IntegrityError
from boomerang.manifest import commit, read_manifest
from processing.datasets.common.sheets import is_sheets, look_at_sheets, read_sheets, write_sheets

CLASSES = ("cat", "dog", "eel")


def split(rows: int, channels: int, seed: int) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).integers(0, 256, (rows, 6, 5, channels), np.uint8)
    return x, np.arange(rows) % len(CLASSES)


def written(folder: Path, channels: int = 1) -> dict[str, tuple[Any, Any]]:
    splits = {"train": split(31, channels, 0), "test": split(6, channels, 1)}
    write_sheets(folder, splits, name="zoo", classes=CLASSES, across=4, down=3, beside={"LICENSE": b"free"})
    return splits


@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_written_is_read(tmp_path: Path, channels: int) -> None:
    splits = written(tmp_path / "zoo", channels)
    found = read_sheets(tmp_path / "zoo", CLASSES)
    assert (found.name, found.classes) == ("zoo", CLASSES)
    for part, (x, y) in zip((found.train, found.test), splits.values(), strict=True):
        assert (part.x == x).all() and (part.y == y).all() and part.y.dtype == np.int64
    names = {path.name for path in (tmp_path / "zoo").iterdir()} - {"manifest.json", "labels.npz", "LICENSE"}
    assert names == {"train-0.webp", "train-1.webp", "train-2.webp", "test-0.webp"}


def test_the_same_images_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(tmp_path / name)
    assert read_manifest(tmp_path / "one") == read_manifest(tmp_path / "two")


def test_a_changed_sheet_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    written(tmp_path)
    sheet = tmp_path / "train-1.webp"
    sheet.write_bytes(sheet.read_bytes()[:-1] + b"!")
    for read in (look_at_sheets, read_sheets):
        with pytest.raises(IntegrityError, match=r"train-1.webp has been changed"):
            read(tmp_path, CLASSES)


def test_other_classes_and_other_folders_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "zoo")
    with pytest.raises(BadInput, match="its classes are cat, dog, eel"):
        look_at_sheets(tmp_path / "zoo", ("cat", "dog", "elk"))
    manifest = read_manifest(tmp_path / "zoo")
    commit(tmp_path / "zoo", manifest.model_copy(update={"kind": "pictures"}))
    with pytest.raises(BadInput, match="its manifest says it is a pictures"):
        look_at_sheets(tmp_path / "zoo")
    assert is_sheets(tmp_path / "zoo") and not is_sheets(tmp_path)


def recommitted(folder: Path, file: str, image: Image.Image | None) -> None:
    """Put another sheet in, with a manifest that says so: digests do not say that it fits."""
    if image is None:
        (folder / file).unlink()
    else:
        image.save(folder / file, lossless=True)
    commit(folder, read_manifest(folder))


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (Image.new("RGB", (20, 18), "red"), "it has colors"),
        (Image.new("RGB", (21, 18)), "21 x 18, no grid of 5 x 6"),
        (Image.new("RGB", (5, 6)), "31 labels for 21 images of train"),
        (None, "31 labels for 12 images of train"),
    ],
)
def test_a_sheet_that_does_not_fit_is_refused(tmp_path: Path, image: Image.Image | None, why: str) -> None:
    written(tmp_path)
    recommitted(tmp_path, "train-1.webp", image)
    with pytest.raises(BadInput, match=why):
        read_sheets(tmp_path)


def test_labels_that_are_missing_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    np.savez(tmp_path / "labels.npz", y_train=np.arange(31) % 3)
    commit(tmp_path, read_manifest(tmp_path))
    with pytest.raises(BadInput, match="it has no y_test"):
        read_sheets(tmp_path)
