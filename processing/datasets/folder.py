"""A folder of pictures, one subfolder a class; or `train` and `test`, each with those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boomerang.errors import BadInput
from processing.datasets.common.base import Blueprint, Source, Split, held_out
from processing.pictures.resizing import resized, resizing
from processing.sharing.tasks import Piece

_TEST_SHARE = 0.2

RefusedFiles = tuple[dict[str, str], ...]


def blueprint(path: Path, size_px: int, seed: int) -> Blueprint:
    """Read every picture as uint8[size_px, size_px, 3], padded to a square; a task is a class.

    Without `train` and `test` a fifth of each class is held out as the test set.

    Raises
    ------
    BadInput
        If there are fewer than two classes, or one has no usable picture.
    """
    divided = (path / "train").is_dir() and (path / "test").is_dir()
    roots = [path / "train", path / "test"] if divided else [path]
    classes = _classes(roots[0])
    folders = [root / name for root in roots for name in classes]
    tasks = tuple(resizing(f"class-{number}", folder, size_px) for number, folder in enumerate(folders))

    def assemble(pieces: Sequence[Piece]) -> Source:
        whole, refused = _read(pieces[: len(classes)], folders)
        if divided:
            test, more = _read(pieces[len(classes) :], folders[len(classes) :])
            return Source(path.name, classes, whole, test, refused + more)
        rest, out = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
        return Source(path.name, classes, whole.take(rest), whole.take(out), refused)

    return Blueprint(classes, (size_px, size_px, 3), tasks, assemble)


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(names) < 2:
        why = f"it has {len(names)} subfolders"
        raise BadInput(f"the image folder {path.name}", why, "give one subfolder of pictures a class")
    return names


def _read(pieces: Sequence[Piece], folders: Sequence[Path]) -> tuple[Split, RefusedFiles]:
    """Put one split together from the pieces of its classes, which lie in a folder each."""
    images, labels, refused = [], [], []
    for label, (piece, folder) in enumerate(zip(pieces, folders, strict=False)):
        x, out = resized(piece, folder)
        images.append(x)
        labels.append(np.full(len(x), label, np.int64))
        refused += [{"name": f"{folder.name}/{item.name}", "reason": item.reason} for item in out]
    return Split(np.concatenate(images), np.concatenate(labels)), tuple(refused)
