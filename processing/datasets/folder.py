"""A folder of pictures, one subfolder a class, divided into training and test set or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from boomerang.errors import BadInput
from boomerang.safeio import display_name
from processing.datasets.common.foreign.albums import Album, AlbumSource, Filed
from processing.datasets.common.foreign.labels import composed
from processing.datasets.common.foreign.picture_folders import (
    class_order,
    folders_in,
    holds_picture,
    is_folder,
    parts_below,
    pictures_below,
    refusals,
    why_passed_over,
)

# Of a split, the folder of each class, by its name.
Classes = dict[str, Path]


class Folder(AlbumSource):
    """A folder of pictures, one subfolder a class; all pictures below that are its, however deep they lie.

    It may be divided: folders `train` (or `training`, `Train`, `Final_Training`, ...), `test` (`testing`) and
    `val` (`valid`, `validation`), each with a subfolder a class; or a subfolder a class, each with those.
    Without a test set `val` is it, and without that a fifth of each class is held out; beside a test set the
    defender's trusted rows are taken from `val`. Classes are in alphabetical order, and in that of numbers
    where all their names are numbers, so that class 10 is no second one.

    Every picture is padded to `size`, a side in pixels or [height, width], and resized; `channels = 1` makes
    it gray. What is no usable picture, and what else lies there and is not read, is named: a class of `test`
    that `train` lacks, a table in the folder of a class, hidden files.
    """

    title: ClassVar[str] = "folders of pictures, one a class"
    words: ClassVar[str] = "images from a folder that was handed in"

    kind: Literal["folder"] = "folder"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it has folders of pictures, each a class; or folders of splits that have such."""
        try:
            return path.is_dir() and _Layout(path).is_one
        except BadInput:  # which says what is wrong, and is raised where the files are read
            return True
        except OSError:
            return False

    def find(self, path: Path, name: str) -> Album:
        """Return the pictures of each class."""
        layout = _Layout(path)
        classes = layout.classes
        parts, left_out = {}, layout.unread(classes)
        for part, folders in layout.splits.items():
            files, labels = [], []
            for label, each in enumerate(classes):
                if each in folders:
                    pictures, others = pictures_below(folders[each], path)
                    files += pictures
                    labels += [label] * len(pictures)
                    left_out |= others
            parts[part] = Filed(tuple(files), np.array(labels, np.int64))
        parts = {part: filed for part, filed in parts.items() if filed.files}
        return Album(
            name=name or path.name,
            root=path,
            words=layout.words,
            classes=classes,
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            notes=layout.notes,
            refused=refusals(left_out, path),
        )

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write ten pictures of two classes each."""
        for name, color in (("cat", "red"), ("dog", "blue")):
            (folder / name).mkdir(parents=True)
            for number in range(10):
                Image.new("RGB", (20 + number, 30), color).save(folder / name / f"{number}.png")
        return True


@dataclass
class _Layout:
    """Where the pictures of each class and split lie.

    Attributes
    ----------
    path : Path
    splits : mapping of str to Classes
        By `train`, `test` and `validation`.
    roots : mapping of str to Path
        The folders of splits; none where the folder is not divided, or within each class.
    notes : tuple of str
    """

    path: Path
    splits: dict[str, Classes] = field(default_factory=dict)
    roots: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.roots = _roots(self.path)
        self.splits = {part: _classes_in(root) for part, root in self.roots.items()} or _within(self.path)
        if "test" not in self.splits and "validation" in self.splits:
            self.splits["test"] = self.splits.pop("validation")
            self.notes = ("there is no test set: the validation set is taken as one",)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have a training picture, in order."""
        names = [name for name, folder in self.splits["train"].items() if holds_picture(folder)]
        if len(names) < 2:
            why = f"{len(names)} of its subfolders have pictures"
            what = f"the image folder {display_name(self.path.name)}"
            raise BadInput(what, why, "give one subfolder of pictures a class, two or more")
        return class_order(names)

    @property
    def is_one(self) -> bool:
        """Whether there are two classes or more; splits without classes are none."""
        if not self.roots and len(parts_below(self.path)) > 1 and self.splits.keys() == {"train"}:
            return False
        return sum(holds_picture(folder) for folder in self.splits["train"].values()) > 1

    @property
    def words(self) -> str:
        """What it is."""
        if not self.roots:
            return "a folder of pictures, a subfolder a class"
        names = ", ".join(
            display_name(root.relative_to(self.path).as_posix()) for root in self.roots.values()
        )
        return f"folders of pictures, a subfolder a class, in {names}"

    def unread(self, classes: tuple[str, ...]) -> dict[Path, str]:
        """Return what lies beside the folders of the classes, and why it is not read."""
        found = {}
        tops = {self.path / root.relative_to(self.path).parts[0] for root in self.roots.values()}
        names = " and ".join(sorted(display_name(top.name) for top in tops))
        if tops:
            for entry in set(self.path.iterdir()) - tops:
                found[entry] = f"it lies beside {names}, and these are read"
        for root in self.roots.values() or [self.path]:
            for entry in root.iterdir():
                if not is_folder(entry):
                    found[entry] = "it lies in no class' folder"
                elif composed(entry.name) not in classes:
                    lacks = (
                        "there is no picture in it"
                        if root == self._train
                        else "train has no class of that name"
                    )
                    found[entry] = lacks
        return {entry: why_passed_over(entry, self.path) or why for entry, why in found.items()}

    @property
    def _train(self) -> Path:
        return self.roots.get("train", self.path)


def _roots(path: Path) -> dict[str, Path]:
    """Return the folders of splits that have a folder a class; none where the folder is not divided so.

    A class may be called `train`: it is one where no other split lies beside it, and other folders do.
    """
    found = parts_below(path)
    parts = {part: _unwrapped(folder) for part, folder in found.items()}
    divided = {part: folder for part, folder in parts.items() if folders_in(folder)}
    if "train" not in divided:
        return {}
    others = [folder for folder in folders_in(path) if folder not in found.values()]
    return divided if len(found) > 1 or not any(map(holds_picture, others)) else {}


def _unwrapped(folder: Path) -> Path:
    """Return the folder of class folders, below one that may hold nothing else: `train/Images/`."""
    inner = folders_in(folder)
    wraps = len(inner) == 1 and len(folders_in(inner[0])) > 1
    return _unwrapped(inner[0]) if wraps else folder


def _within(path: Path) -> dict[str, Classes]:
    """Return the splits of a folder that is not divided, but where the folder of each class is."""
    classes = _classes_in(path)
    parts = {name: parts_below(folder) for name, folder in classes.items()}
    if not parts or not all({"train"} < found.keys() for found in parts.values()):
        return {"train": classes}
    splits: dict[str, Classes] = {}
    for name, found in parts.items():
        for part, folder in found.items():
            splits.setdefault(part, {})[name] = folder
    return splits


def _classes_in(root: Path) -> Classes:
    """Return the folders of classes by their composed names: a Mac writes an accent apart from its letter.

    Raises
    ------
    BadInput
        If two are of one name then.
    """
    found: Classes = {}
    for folder in folders_in(root):
        name = composed(folder.name)
        if name in found:
            why = f"it has two folders '{display_name(name)}', written differently in Unicode"
            raise BadInput(f"the image folder {display_name(root.name)}", why, "put their pictures into one")
        found[name] = folder
    return found
