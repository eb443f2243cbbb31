"""Small files of the kinds that sources read, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_npz(path: Path, shape: tuple[int, ...], classes: int, each: int = 8) -> None:
    """Write a small file of Keras' layout: noise images, of each class so many to train on, half to test on.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        (H, W) or (H, W, C) of an image.
    classes : int
    each : int
    """
    rng = np.random.default_rng(0)
    rows = {"train": each * classes, "test": each // 2 * classes}
    arrays = {f"x_{part}": rng.integers(0, 256, (n, *shape), np.uint8) for part, n in rows.items()}
    np.savez(path, **arrays, **{f"y_{part}": np.arange(n) % classes for part, n in rows.items()})
