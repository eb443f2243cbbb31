"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 photographs of ten classes, 32x32x3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from processing.datasets.common.base import CIFAR10_CLASSES, Blueprint, Corpus, Request, Source, sliced
from processing.datasets.common.keras_files import (
    beside,
    from_keras,
    from_npz,
    look_at_npz,
    only_file,
    write_npz,
)


class Cifar10(Source):
    """CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 photographs of ten classes, 32x32x3.

    With a path it is read from an `.npz` file of Keras' layout; without one it is downloaded once.
    """

    title: ClassVar[str] = "CIFAR-10"
    words: ClassVar[str] = "small photographs in ten classes"
    classes: ClassVar[tuple[str, ...] | None] = CIFAR10_CLASSES

    kind: Literal["cifar10"] = "cifar10"

    def blueprint(self, request: Request) -> Blueprint:
        """Return it, its rows to be taken from the file."""
        return sliced(_load(request.path))

    def look(self, path: Path) -> None:
        """Look at the arrays' shapes, and at the labels."""
        look_at_npz(only_file(path, ".npz"), CIFAR10_CLASSES)

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of the same shape, in Keras' layout."""
        write_npz(folder / "cifar10.npz", (32, 32, 3), len(CIFAR10_CLASSES))
        return True


def _load(path: Path | None) -> Corpus:
    if path is not None:
        file = only_file(path, ".npz")
        found = from_npz(file, "cifar10", CIFAR10_CLASSES)
        return replace(found, refused=found.refused + beside(path, (file,)))
    from keras.datasets import cifar10

    return from_keras(cifar10.load_data, "cifar10", CIFAR10_CLASSES)
