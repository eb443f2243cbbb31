"""A folder of pictures, one subfolder a class; or `train` and `test`, each with those."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import load_npy
from processing.datasets.base import Source, Split, held_out
from processing.pictures import resize_folder

_TEST_SHARE = 0.2


def load(path: Path, size_px: int, seed: int) -> Source:
    """Read every picture as uint8[size, size, 3], padded to a square.

    Without `train` and `test` a fifth of each class is held out as the test set.

    Raises
    ------
    BadInput
        If there are fewer than two classes, or one has no usable picture.
    """
    refused: list[dict[str, str]] = []
    if (path / "train").is_dir() and (path / "test").is_dir():
        classes = _classes(path / "train")
        train = _read(path / "train", classes, size_px, refused)
        test = _read(path / "test", classes, size_px, refused)
    else:
        classes = _classes(path)
        whole = _read(path, classes, size_px, refused)
        rest, out = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
        train, test = whole.take(rest), whole.take(out)
    return Source(path.name, classes, train, test, tuple(refused))


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(names) < 2:
        why = f"it has {len(names)} subfolders"
        raise BadInput(f"the image folder {path.name}", why, "give one subfolder of pictures a class")
    return names


def _read(path: Path, classes: tuple[str, ...], size_px: int, refused: list[dict[str, str]]) -> Split:
    images, labels = [], []
    for label, name in enumerate(classes):
        with tempfile.TemporaryDirectory() as scratch:
            report = resize_folder(path / name, Path(scratch) / "out", size_px=size_px)
            images.append(load_npy(report.array))
        labels.append(np.full(len(images[-1]), label, np.int64))
        refused += [{"name": f"{name}/{item.name}", "reason": item.reason} for item in report.refused]
    return Split(np.concatenate(images), np.concatenate(labels))
