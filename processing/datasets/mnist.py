"""MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, 28x28x1."""

from __future__ import annotations

from typing import ClassVar, Literal

from processing.datasets.common.base import DIGITS
from processing.datasets.common.keras_set import KerasSet


class Mnist(KerasSet):
    """MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, 28x28x1.

    With a path it is read from an `.npz` file of Keras' layout; without one it is downloaded once.
    """

    title: ClassVar[str] = "MNIST"
    words: ClassVar[str] = "handwritten digits"
    classes: ClassVar[tuple[str, ...]] = DIGITS
    image: ClassVar[tuple[int, ...]] = (28, 28)

    kind: Literal["mnist"] = "mnist"
