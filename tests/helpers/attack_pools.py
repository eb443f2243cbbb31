"""Small pools of random images for the tests of the attacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from boomerang.config import Spec
from processing.attacks import create
from processing.attacks.common.base import Attack, Batch, Pool

CLASSES = ("airplane", "bird", "cat", "dog")
ALL_ROWS = 200


def make_pool(*, size_px: int = 16, channels: int = 3, rows: int = ALL_ROWS, seed: int = 0) -> Pool:
    """Return `rows` images of noise, the four classes in turn, with two pictures and three triggers."""
    rng = np.random.default_rng(seed)

    def noise(count: int) -> Any:
        return rng.integers(0, 256, (count, size_px, size_px, channels), dtype=np.uint8)

    half = np.full((6, 6, 4), (10, 200, 90, 0), np.uint8)
    half[:, 3:, 3] = 255
    return Pool(
        x=noise(rows),
        y=np.arange(rows) % len(CLASSES),
        classes=CLASSES,
        free=np.arange(rows),
        pictures={"boomerang": noise(2)},
        picture_labels={"boomerang": "airplane"},
        images={
            "cyan": np.full((8, 8, 4), (0, 255, 255, 255), np.uint8),
            "half": half,
            "clear": np.zeros((8, 8, 4), np.uint8),
        },
    )


def spec(kind: str, **settings: Any) -> Spec:
    """Return an entry of a recipe."""
    return Spec.model_validate({"kind": kind, **settings})


def make(kind: str, **settings: Any) -> Attack:
    """Return an attack from its settings."""
    return create(spec(kind, **settings))


def stage(attack: Attack, pool: Pool, seed: int = 0) -> Batch:
    """Return what the attack does with a generator of that seed."""
    return attack.poison(pool, np.random.default_rng(seed))
