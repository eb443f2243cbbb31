"""MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, 28x28x1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from processing.datasets.common.base import DIGITS, Blueprint, Corpus, Request, Source, sliced
from processing.datasets.common.keras_files import (
    beside,
    from_keras,
    from_npz,
    look_at_npz,
    only_file,
    write_npz,
)


class Mnist(Source):
    """MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, 28x28x1.

    With a path it is read from an `.npz` file of Keras' layout; without one it is downloaded once.
    """

    title: ClassVar[str] = "MNIST"
    words: ClassVar[str] = "handwritten digits"
    classes: ClassVar[tuple[str, ...] | None] = DIGITS

    kind: Literal["mnist"] = "mnist"

    def blueprint(self, request: Request) -> Blueprint:
        """Return it, its rows to be taken from the file."""
        return sliced(_load(request.path))

    def look(self, path: Path) -> None:
        """Look at the arrays' shapes, and at the labels."""
        look_at_npz(only_file(path, ".npz"), DIGITS)

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of the same shape, in Keras' layout."""
        write_npz(folder / "mnist.npz", (28, 28), len(DIGITS))
        return True


def _load(path: Path | None) -> Corpus:
    if path is not None:
        file = only_file(path, ".npz")
        found = from_npz(file, "mnist", DIGITS)
        return replace(found, refused=found.refused + beside(path, (file,)))
    from keras.datasets import mnist

    return from_keras(mnist.load_data, "mnist", DIGITS)
