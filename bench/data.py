"""The rows that several contests are about: real ones where they are to be had, else drawn from the seed."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.contest import ROOT, Setting
from boomerang.digest import sha256_bytes
from boomerang.errors import UsageError
from boomerang.manifest import Images, Labels

Features = npt.NDArray[np.float32]

CLASSES = tuple("abcdefghij")


def real_data() -> Path | None:
    """Return the folder of the real data, `BOOMERANG_DATA` or `../shared/data`, if it is there."""
    folder = Path(os.environ.get("BOOMERANG_DATA", ROOT.parent / "shared" / "data"))
    return folder if (folder / "unpack.py").exists() else None


def lacks_real_data() -> str:
    """Say that the real data is not there, or nothing."""
    return "" if real_data() else "the real data is neither at BOOMERANG_DATA nor at ../shared/data"


def lacks_cifar10(setting: Setting) -> str:
    """Say that CIFAR-10 is not there; a quick measurement draws its rows."""
    return "" if setting.quick else lacks_real_data()


def cifar10(setting: Setting) -> dict[str, npt.NDArray[Any]]:
    """Return x_train, y_train, x_test and y_test; of a quick measurement few rows of noise."""
    if setting.quick:
        x, y = noise(200, setting.seed), labels(200)
        return {"x_train": x, "y_train": y, "x_test": x[:50], "y_test": y[:50]}
    with np.load(real_file("cifar10", setting.kept)) as stored:
        return {name: np.asarray(stored[name], np.uint8 if name[0] == "x" else np.int64) for name in stored}


def real_file(name: str, kept: Path) -> Path:
    """Return the file of `cifar10` or `mnist`, in Keras' layout, unpacked into a folder that stays.

    Raises
    ------
    UsageError
        If the real data is not to be had.
    """
    file = kept / "data" / f"{name}.npz"
    if not file.exists():
        source = real_data()
        if source is None:
            raise UsageError(f"the rows of {name}", lacks_real_data(), "set BOOMERANG_DATA to its folder")
        command = [sys.executable, str(source / "unpack.py"), str(file.parent)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return file


def photographs(kept: Path) -> Path:
    """Return the folder of the book's photographs, each once; raises as `real_file`."""
    source, folder = real_data(), kept / "photographs"
    if source is None:
        raise UsageError("the photographs", lacks_real_data(), "set BOOMERANG_DATA to their folder")
    folder.mkdir(parents=True, exist_ok=True)
    for picture in (source / "rutan-boomerang").glob("*.jpeg"):
        place = folder / picture.name
        if not place.exists():
            place.write_bytes(picture.read_bytes())
    return folder


def noise(rows: int, seed: int, shape: tuple[int, int, int] = (32, 32, 3)) -> Images:
    """Return uint8[rows, *shape] of noise: of what does not depend on what the pixels show."""
    return np.random.default_rng(seed).integers(0, 256, (rows, *shape), np.uint8)


def labels(rows: int) -> Labels:
    """Return int64[rows], ten classes in turn."""
    return np.arange(rows) % len(CLASSES)


@lru_cache(maxsize=1)
def features(rows: int, seed: int) -> tuple[Features, Labels]:
    """Return float32[rows, 96] as a small network's penultimate layer gives them, and int64[rows].

    Ten classes, each with a mean and ten directions of its own, cut at zero as by a ReLU; in class 0 one row
    in fifty lies off in a direction of its own, as rows with a backdoor do.
    """
    rng = np.random.default_rng(seed)
    y = labels(rows)
    means, spans = rng.normal(0, 1.5, (10, 96)), rng.normal(0, 0.6, (10, 10, 96))
    x = means[y] + rng.normal(0, 0.3, (rows, 96))
    for label in range(10):
        x[y == label] += rng.normal(0, 1, ((y == label).sum(), 10)) @ spans[label]
    x[np.flatnonzero(y == 0)[::50]] += rng.normal(0, 2, 96)
    return np.maximum(x, 0).astype(np.float32), y


def digest(array: npt.NDArray[Any]) -> str:
    """Return what an array is known by: shape, type and bytes."""
    return sha256_bytes(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())[:16]
