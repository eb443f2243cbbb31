"""Images and labels in idx files, as MNIST was published."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from boomerang.errors import BadInput
from boomerang.safeio import display_name, idx_header, load_idx
from processing.datasets.common.foreign.array_source import ArraySource, Found, Part
from processing.datasets.common.foreign.companions import beside, class_names
from processing.datasets.common.foreign.image_forms import Stored
from processing.datasets.common.foreign.naming import by_split, split_of


class Idx(ArraySource):
    """Images and labels in idx files, gzipped or not, as MNIST, Fashion-MNIST, KMNIST and EMNIST have them.

    A folder holds a file of images and one of labels for each split, told apart by their content, and the
    splits by `train`, `test` or `t10k` in their names; or one pair, of which a fifth of each class is held
    out. A file `classes.json` beside them, a list of names, names the classes; without it numbers do.
    """

    title: ClassVar[str] = "idx files"
    words: ClassVar[str] = "images from files that were handed in"

    kind: Literal["idx"] = "idx"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a folder with idx files of images and of labels."""
        axes = {len(shape) > 1 for shape in _shapes(path).values()}
        return axes == {True, False}

    def find(self, path: Path, name: str) -> Found:
        """Return the arrays of the files."""
        shapes = _shapes(path)
        images = {_set_of(file): file for file, shape in shapes.items() if len(shape) > 1}
        labels = {_set_of(file): file for file, shape in shapes.items() if len(shape) == 1}
        if images.keys() != labels.keys() or 2 * len(images) != len(shapes):
            why = f"not each has a partner of {', '.join(file.name for file in shapes)}"
            raise BadInput(display_name(path.name), why, "give one file of images and one of labels a split")
        splits = by_split(list(images), display_name(path.name))
        parts = {split: _part(images[key], labels[key]) for split, key in splits.items()}
        read = [file for key in splits.values() for file in (images[key], labels[key])]
        return Found(
            name=name or path.name,
            words=f"idx files {', '.join(file.name for file in read)}",
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            classes=class_names(read[0]),
            refused=beside(path, read),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of three classes."""
        rng = np.random.default_rng(0)
        for split, rows in (("train", 24), ("t10k", 12)):
            images = rng.integers(0, 256, (rows, 12, 12), np.uint8)
            for what, array in (
                ("images-idx3", images),
                ("labels-idx1", np.arange(rows, dtype=np.uint8) % 3),
            ):
                sizes = np.array(array.shape, ">u4").tobytes()
                content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
                (folder / f"{split}-{what}-ubyte").write_bytes(content)
        return True


def _shapes(path: Path) -> dict[Path, tuple[int, ...]]:
    """Return the shapes of the idx files in a folder, by their names' order."""
    if not path.is_dir():
        return {}
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    headers = {file: idx_header(file) for file in files}
    return {file: header[1] for file, header in headers.items() if header is not None}


def _set_of(file: Path) -> str:
    """Return what the names of the images and the labels of one split have in common."""
    words = [word for word in re.split(r"[^a-z0-9]+", file.name.casefold()) if word]
    split = split_of(file.name)
    rest = [w for w in words if not re.fullmatch(r"images?|labels?|idx\d?|ubyte|gz|x|y", w)]
    return "-".join(rest) or split or "pair"


def _part(images: Path, labels: Path) -> Part:
    x, y = load_idx(images), load_idx(labels)
    return Part(Stored(images.name, x.shape, x.dtype, lambda: x), np.asarray(y), labels.name)
