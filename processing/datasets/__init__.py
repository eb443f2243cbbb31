"""Dataset sources, one file each; a new one is a file and a line here.

May import numpy, pillow and `boomerang`; TensorFlow only to download.
"""

from __future__ import annotations

from pathlib import Path

from boomerang.config import DataConfig
from processing.datasets import cifar10, digits, folder, mnist, npz, synthetic
from processing.datasets.base import Source, Split

__all__ = ["SIZE_PX", "Source", "load"]

SIZE_PX = 32


def load(config: DataConfig, path: Path | None, extra_train: int, seed: int) -> Source:
    """Load or draw the source that a config names.

    Parameters
    ----------
    config : DataConfig
    path : Path or None
        The folder that holds what `config.path` named.
    extra_train : int
        Rows needed beside the training split, for validation and canaries: a drawn dataset draws
        as many more.
    seed : int

    Raises
    ------
    BadInput
        If the source's files cannot be used.
    """
    if config.source == "synthetic":
        train = (config.train or synthetic.TRAIN) + extra_train
        x, y, x_test, y_test = synthetic.load(train, config.test or synthetic.TEST, seed)
        return Source(synthetic.NAME, synthetic.CLASSES, Split(x, y), Split(x_test, y_test))
    if config.source == "digits":
        return digits.load(seed)
    if config.source == "cifar10":
        return cifar10.load(path)
    if config.source == "mnist":
        return mnist.load(path)
    assert path is not None, "the config refuses these sources without a path"
    return npz.load(path, seed) if config.source == "npz" else folder.load(path, SIZE_PX, seed)
