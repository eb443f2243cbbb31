"""A folder of pictures, one subfolder a class; or `train` and `test`, each with those."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from boomerang.errors import BadInput
from boomerang.safeio import display_name
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Blueprint, Corpus, Request, Split, held_out
from processing.datasets.common.fitting import check_class_names
from processing.datasets.common.foreign.recognition import is_litter
from processing.datasets.common.survey import Survey
from processing.pictures.listing import hidden, listed, natural_key
from processing.pictures.task import resized, resizing
from processing.sharing.spool import Spool
from processing.sharing.tasks import Piece

# What the parts of a folder that is divided are called; only the first two are read.
_PARTS = ("train", "test", "val", "valid", "validation")
_TEST_SHARE = 0.2
_SIZE_PX = 32

RefusedFiles = tuple[dict[str, str], ...]


class Folder(Source):
    """A folder of pictures, one subfolder a class; or `train` and `test`, each with those.

    Every picture is padded to a square and resized to 32x32. Without `train` and `test` a fifth of each class
    is held out as the test set. A file that is no usable picture is named as refused, and so is what else
    lies there and is not read: a folder beside `train` and `test`, a class of `test` that `train` lacks.
    """

    title: ClassVar[str] = "a folder of pictures"
    words: ClassVar[str] = "images from a folder that was handed in"
    image: ClassVar[tuple[int, ...] | None] = (_SIZE_PX, _SIZE_PX, 3)
    needs_path: ClassVar[bool] = True

    kind: Literal["folder"] = "folder"

    def blueprint(self, request: Request) -> Blueprint:
        """Return the pictures, still to be decoded: a task is a class.

        Raises
        ------
        BadInput
            If there are fewer than two classes, or a folder `train` has others beside it, but no `test`.
        """
        return _blueprint(request.needed_path, _SIZE_PX, request.seed)

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a folder of folders."""
        return (
            path.is_dir()
            and sum(entry.is_dir() and not is_litter(entry.name) for entry in path.iterdir()) > 1
        )

    def survey(self, path: Path, name: str = "") -> Survey:
        """Look at the names of the classes, and count files."""
        roots = _roots(path)
        classes = _classes(roots[0])
        counts = {
            part: tuple(len(listed(root / each)) for each in classes)
            for part, root in zip(("train", "test"), roots, strict=False)
        }
        return Survey("a folder of pictures", classes, (_SIZE_PX, _SIZE_PX, 3), counts)

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
    unread = _unread(path, roots, classes)
    folders = [root / name for root in roots for name in classes]
    tasks = tuple(resizing(f"class-{number}", folder, size_px) for number, folder in enumerate(folders))

    def assemble(pieces: Sequence[Piece]) -> Corpus:
        whole, refused = _read(pieces[: len(classes)], folders, path)
        if divided:
            test, more = _read(pieces[len(classes) :], folders[len(classes) :], path)
            return Corpus(path.name, classes, whole, test, unread + refused + more)
        rest, out = held_out(whole.y, _TEST_SHARE, np.random.default_rng(seed))
        return Corpus(path.name, classes, whole.take(rest), whole.take(out), unread + refused)

    return Blueprint(classes, (size_px, size_px, 3), tasks, assemble)


def _roots(path: Path) -> list[Path]:
    """Return the folders that hold one subfolder a class: those of the two splits, or the one."""
    roots = [path / "train", path / "test"]
    found = {name for name in _PARTS if (path / name).is_dir()}
    if "train" in found and "test" not in found and len(found) > 1:
        why = f"it has {' and '.join(sorted(found))}, and no test"
        do = "call the folder to test on `test`, or give the folder whose subfolders are the classes"
        raise BadInput(f"the image folder {path.name}", why, do)
    return roots if all(root.is_dir() for root in roots) else [path]


def _unread(path: Path, roots: Sequence[Path], classes: tuple[str, ...]) -> RefusedFiles:
    """Return what lies in the folder and is not read, each with the reason."""
    reasons: dict[Path, str] = {}
    if roots != [path]:
        for entry in path.iterdir():
            if entry not in roots:
                reasons[entry] = "it lies beside train and test, and these two are read"
    for root in roots:
        for entry in root.iterdir():
            if not entry.is_dir():
                reasons[entry] = "it lies in no class' folder"
            elif entry.name not in classes:
                reasons[entry] = "train has no class of that name"
            else:
                reasons |= {entry / name: "it is hidden" for name in hidden(entry)}
    reasons |= {entry: "it is hidden" for entry in reasons if entry.name.startswith(".")}
    named = {display_name(entry.relative_to(path).as_posix()): why for entry, why in reasons.items()}
    return tuple({"name": name, "reason": named[name]} for name in sorted(named, key=natural_key))


def _classes(path: Path) -> tuple[str, ...]:
    names = tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(names) < 2:
        why = f"it has {len(names)} subfolders"
        raise BadInput(f"the image folder {path.name}", why, "give one subfolder of pictures a class")
    check_class_names(names, f"the image folder {path.name}")
    return names


def _read(pieces: Sequence[Piece], folders: Sequence[Path], path: Path) -> tuple[Split, RefusedFiles]:
    """Put one split together from the pieces of its classes, which lie in a folder each."""
    images, labels, refused = Spool(), [], []
    for label, (piece, folder) in enumerate(zip(pieces, folders, strict=False)):
        x, out = resized(piece, folder)
        images.add(x)
        labels.append(np.full(len(x), label, np.int64))
        place = display_name(folder.relative_to(path).as_posix())
        refused += [{"name": f"{place}/{item.name}", "reason": item.reason} for item in out]
    return Split(images.rows(), np.concatenate(labels)), tuple(refused)
