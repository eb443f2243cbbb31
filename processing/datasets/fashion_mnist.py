"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747): 60,000 + 10,000 photographs, 28x28x1."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from processing.datasets.common.corpus import Blueprint, Request, sliced
from processing.datasets.common.keras_set import KerasSet
from processing.datasets.common.sheets import is_sheets, read_sheets, survey_sheets
from processing.datasets.common.survey import Survey

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


class FashionMnist(KerasSet):
    """Fashion-MNIST (Zalando SE 2017): 60,000 + 10,000 photographs of clothes in ten classes, 28x28x1.

    With a path it is read: the bundled part of it, 10,000 + 2,000 rows, is the folder `images/fashion-mnist`,
    all of it an `.npz` file of Keras' layout. Without a path all of it is downloaded once.
    """

    title: ClassVar[str] = "Fashion-MNIST"
    words: ClassVar[str] = "photographs of clothes, 28 × 28 pixels in gray"
    classes: ClassVar[tuple[str, ...]] = CLASSES
    image: ClassVar[tuple[int, ...]] = (28, 28)

    kind: Literal["fashion_mnist"] = "fashion_mnist"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether it is a folder of sheets."""
        return is_sheets(path)

    def survey(self, path: Path, name: str = "") -> Survey:
        """Hold the sheets against their digests; of arrays, look at the shapes and the labels."""
        if is_sheets(path):
            return survey_sheets(path, CLASSES)
        return super().survey(path, name)

    def blueprint(self, request: Request) -> Blueprint:
        """Return it from sheets, from a file, or without a path as Keras downloads it."""
        if request.path is not None and is_sheets(request.path):
            return sliced(read_sheets(request.path, CLASSES))
        return super().blueprint(request)
