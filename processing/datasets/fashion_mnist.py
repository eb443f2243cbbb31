"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747): 60,000 + 10,000 photographs, 28x28x1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from processing.datasets.common.base import Blueprint, Corpus, Request, Source, sliced
from processing.datasets.common.keras_files import (
    beside,
    from_keras,
    from_npz,
    look_at_npz,
    only_file,
    write_npz,
)
from processing.datasets.common.sheets import is_sheets, look_at_sheets, read_sheets

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class FashionMnist(Source):
    """Fashion-MNIST (Zalando SE 2017): 60,000 + 10,000 photographs of clothes in ten classes, 28x28x1.

    With a path it is read: the bundled part of it, 10,000 + 2,000 rows, is the folder `images/fashion-mnist`,
    all of it an `.npz` file of Keras' layout. Without a path all of it is downloaded once.
    """

    title: ClassVar[str] = "Fashion-MNIST"
    words: ClassVar[str] = "photographs of clothes, 28 × 28 pixels in gray"
    classes: ClassVar[tuple[str, ...] | None] = CLASSES

    kind: Literal["fashion_mnist"] = "fashion_mnist"

    def blueprint(self, request: Request) -> Blueprint:
        """Return it, its rows to be taken from the file or the sheets."""
        return sliced(_load(request.path))

    def look(self, path: Path) -> None:
        """Hold the sheets against their digests; of arrays, look at the shapes and the labels."""
        if is_sheets(path):
            look_at_sheets(path, CLASSES)
        else:
            look_at_npz(only_file(path, ".npz"), CLASSES)

    @classmethod
    def write_example(cls, folder: Path) -> bool:
        """Write noise of the same shape, in Keras' layout."""
        write_npz(folder / "fashion_mnist.npz", (28, 28), len(CLASSES))
        return True


def _load(path: Path | None) -> Corpus:
    if path is None:
        from keras.datasets import fashion_mnist

        return from_keras(fashion_mnist.load_data, "fashion-mnist", CLASSES)
    if is_sheets(path):
        return read_sheets(path, CLASSES)
    file = only_file(path, ".npz")
    found = from_npz(file, "fashion-mnist", CLASSES)
    return replace(found, refused=found.refused + beside(path, (file,)))
