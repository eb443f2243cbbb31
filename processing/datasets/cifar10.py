"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 photographs of ten classes, 32x32x3."""

from __future__ import annotations

from typing import ClassVar, Literal

from processing.datasets.common.base import CIFAR10_CLASSES
from processing.datasets.common.keras_set import KerasSet


class Cifar10(KerasSet):
    """CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 photographs of ten classes, 32x32x3.

    With a path it is read from an `.npz` file of Keras' layout; without one it is downloaded once.
    """

    title: ClassVar[str] = "CIFAR-10"
    words: ClassVar[str] = "small photographs in ten classes"
    classes: ClassVar[tuple[str, ...]] = CIFAR10_CLASSES
    image: ClassVar[tuple[int, ...]] = (32, 32, 3)

    kind: Literal["cifar10"] = "cifar10"
