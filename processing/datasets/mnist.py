"""MNIST (LeCun, Cortes, Burges): 60,000 + 10,000 handwritten digits, 28x28x1."""

from __future__ import annotations

from pathlib import Path

from processing.datasets.common.base import DIGITS, Source
from processing.datasets.common.keras_files import from_keras, from_npz, only_file


def load(path: Path | None) -> Source:
    """Read MNIST from an `.npz` of Keras' layout, or download it once."""
    if path is not None:
        return from_npz(only_file(path, ".npz"), "mnist", DIGITS)
    from keras.datasets import mnist

    return from_keras(mnist.load_data, "mnist", DIGITS)
