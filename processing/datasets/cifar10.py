"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 photographs of ten classes, 32x32x3."""

from __future__ import annotations

from pathlib import Path

from processing.datasets.common.base import CIFAR10_CLASSES, Source
from processing.datasets.common.keras_files import from_keras, from_npz, only_file


def load(path: Path | None) -> Source:
    """Read CIFAR-10 from an `.npz` of Keras' layout, or download it once."""
    if path is not None:
        return from_npz(only_file(path, ".npz"), "cifar10", CIFAR10_CLASSES)
    from keras.datasets import cifar10

    return from_keras(cifar10.load_data, "cifar10", CIFAR10_CLASSES)
