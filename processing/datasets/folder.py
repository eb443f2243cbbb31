"""A folder of pictures, one subfolder a class; or `train` and `test`, each with those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from boomerang.errors import BadInput
from processing.datasets.common.base import Blueprint, Corpus, Request, Source, Split, held_out
from processing.datasets.common.fitting import check_class_names
from processing.pictures.task import resized, resizing
from processing.sharing.tasks import Piece

_TEST_SHARE = 0.2
_SIZE_PX = 32

RefusedFiles = tuple[dict[str, str], ...]


class Folder(Source):
    """A folder of pictures, one subfolder a class; or `train` and `test`, each with those.

    Every picture is padded to a square and resized to 32x32. Without `train` and `test` a fifth of each class
    is held out as the test set. A file that is no usable picture is named as refused.
    """

    title: ClassVar[str] = "a folder of pictures"
    words: ClassVar[str] = "images from a folder that was handed in"
    needs_path: ClassVar[bool] = True

    kind: Literal["folder"] = "folder"

    def blueprint(self, request: Request) -> Blueprint:
        """Return the pictures, still to be decoded: a task is a class.

        Raises
        ------
        BadInput
            If there are fewer than two classes.
        """
        return _blueprint(request.needed_path, _SIZE_PX, request.seed)

    def look(self, path: Path) -> None:
        """Look at the names of the classes."""
        _classes(_roots(path)[0])

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write ten pictures of two classes each."""
        for name, color in (("cat", "red"), ("dog", "blue")):
            (folder / name).mkdir(parents=True)
            for number in range(10):
                Image.new("RGB", (20 + number, 30), color).save(folder / name / f"{number}.png")
        return True


def _blueprint(path: Path, size_px: int, seed: int) -> Blueprint:
    roots = _roots(path)
    divided = len(roots) == 2
    classes = _classes(roots[0])
    folders = [root / name for root in roots for name in classes]
    tasks = tuple(resizing(f"class-{number}", folder, size_px) for number, folder in enumerate(folders))

    def assemble(pieces: Sequence[Piece]) -> Corpus:
        whole, refused = _read(pieces[: len(classes)], folders)
        if divided:
            test, more = _read(pieces[len(classes) :], folders[len(classes) :])
            return Corpus(path.name, classes, whole, test, refused + more)
        rest, out = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
        return Corpus(path.name, classes, whole.take(rest), whole.take(out), refused)

    return Blueprint(classes, (size_px, size_px, 3), tasks, assemble)


def _roots(path: Path) -> list[Path]:
    """Return the folders that hold one subfolder a class: those of the two splits, or the one."""
    roots = [path / "train", path / "test"]
    return roots if all(root.is_dir() for root in roots) else [path]


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(names) < 2:
        why = f"it has {len(names)} subfolders"
        raise BadInput(f"the image folder {path.name}", why, "give one subfolder of pictures a class")
    check_class_names(names, f"the image folder {path.name}")
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
