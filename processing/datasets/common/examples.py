"""Small files of the kinds that sources read, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_npz(path: Path, shape: tuple[int, ...], classes: int) -> None:
    """Write a small file of Keras' layout: eight noise images a class to train on, four to test on.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        (H, W) or (H, W, C) of an image.
    classes : int
    """
    rng = np.random.default_rng(0)
    rows = {"train": 8 * classes, "test": 4 * classes}
    arrays = {f"x_{part}": rng.integers(0, 256, (n, *shape), np.uint8) for part, n in rows.items()}
    np.savez(path, **arrays, **{f"y_{part}": np.arange(n) % classes for part, n in rows.items()})
