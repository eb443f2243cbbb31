"""The published sets that Keras can download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from processing.datasets.common.base import Blueprint, Corpus, Request, Source, sliced
from processing.datasets.common.keras_files import (
    beside,
    from_keras,
    from_npz,
    look_at_npz,
    only_file,
    write_npz,
)


class KerasSet(Source):
    """A set of `keras.datasets`, whose module there is named as its kind: from a file, or downloaded.

    Class attributes
    ----------------
    image
        (H, W) or (H, W, C), as the set has it.
    """

    classes: ClassVar[tuple[str, ...]]
    image: ClassVar[tuple[int, ...]]

    def blueprint(self, request: Request) -> Blueprint:
        """Return it, its rows to be taken from the file."""
        return sliced(self.load(request.path))

    def look(self, path: Path) -> None:
        """Look at the arrays' shapes, and at the labels."""
        look_at_npz(only_file(path, ".npz"), self.classes)

    def load(self, path: Path | None) -> Corpus:
        """Return it from a file, or without one as Keras downloads it."""
        name = self.kind.replace("_", "-")
        if path is None:
            download: Callable[[], Any] = import_module(f"keras.datasets.{self.kind}").load_data
            return from_keras(download, name, self.classes)
        file = only_file(path, ".npz")
        found = from_npz(file, name, self.classes)
        return replace(found, refused=found.refused + beside(path, (file,)))

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of the same shape, in Keras' layout."""
        write_npz(folder / "example.npz", cls.image, len(cls.classes))
        return True
