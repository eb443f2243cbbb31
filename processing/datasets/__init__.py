"""Dataset sources, one file each; a new one is a file and a line here.

May import numpy, pillow, `boomerang` and what resizes pictures; TensorFlow only to download.
"""

from __future__ import annotations

from pathlib import Path

from boomerang.settings import DataConfig
from processing.datasets import cifar10, digits, folder, mnist, npz, synthetic
from processing.datasets.common.base import Blueprint, Source, sliced
from processing.sharing.tasks import alone

__all__ = ["SIZE_PX", "Blueprint", "Source", "blueprint", "load"]

SIZE_PX = 32


def load(config: DataConfig, path: Path | None, extra_train: int, seed: int) -> Source:
    """Load or draw the source that a config names; see `blueprint`."""
    return blueprint(config, path, extra_train, seed).build(alone)


def blueprint(config: DataConfig, path: Path | None, extra_train: int, seed: int) -> Blueprint:
    """Return the source that a config names, its rows still to be drawn, decoded or taken.

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
        return synthetic.blueprint(train, config.test or synthetic.TEST, seed)
    if config.source == "folder":
        return folder.blueprint(_needed(path), SIZE_PX, seed)
    return sliced(_arrays(config, path, seed))


def _arrays(config: DataConfig, path: Path | None, seed: int) -> Source:
    if config.source == "digits":
        return digits.load(seed)
    if config.source == "cifar10":
        return cifar10.load(path)
    if config.source == "mnist":
        return mnist.load(path)
    return npz.load(_needed(path), seed)


def _needed(path: Path | None) -> Path:
    assert path is not None, "the config refuses such a source without a path"
    return path
