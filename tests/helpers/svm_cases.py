"""Small problems for support vector machines."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.svm import SVC

from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.svm_points import Arena, Kernel

SIDE_PX = 4


def clouds(rows: int, seed: int, spread: float = 45) -> Any:
    """Return uint8[rows, 4, 4, 1] and int64[rows]: two classes whose means differ and whose rows overlap."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    pattern = np.where(np.arange(SIDE_PX * SIDE_PX).reshape(SIDE_PX, SIDE_PX, 1) % 3 == 0, 25, -25)
    x = 128 + np.where(y[:, None, None, None] == 1, 1, -1) * pattern
    return np.clip(x + rng.normal(0, spread, x.shape), 0, 255).astype(np.uint8), y


def cloud_pool(rows: int = 40, seed: int = 0) -> Pool:
    """Return a training set of two classes."""
    x, y = clouds(rows, seed)
    return Pool(x, y, ("0", "1"), np.arange(rows))


def arena(kernel: Any, rows: int = 40, watched: int = 60) -> Arena:
    """Return a machine's rows, and others that are watched."""
    (x, y), (seen, told) = clouds(rows, 0), clouds(watched, 1)
    gamma = 1 / (SIDE_PX * SIDE_PX * (x / 255).var())
    signs = [np.where(each == 1, 1, -1) for each in (y, told)]
    return Arena(Kernel(kernel, gamma), 1.0, vectors(x), signs[0], vectors(seen), signs[1])


def vectors(x: Any) -> Any:
    """Return images as a machine sees them."""
    return np.asarray(x).reshape(len(x), -1) / 255


def accuracy_after(pool: Pool, batch: Batch, kernel: Any, test: Any) -> float:
    """Return how many rows of a test set a machine gets right that learned from a poisoned training set."""
    left = np.setdiff1d(np.arange(len(pool.y)), batch.replaced)
    x, y = np.concatenate([pool.x[left], np.asarray(batch.x)]), np.concatenate([pool.y[left], batch.y])
    machine = SVC(kernel=kernel).fit(vectors(x), y)
    return float((machine.predict(vectors(test[0])) == test[1]).mean())
