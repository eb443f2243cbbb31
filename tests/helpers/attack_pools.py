"""Small pools of random images for the tests of the attacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import processing.attacks
from boomerang.config import Spec
from boomerang.manifest import Images
from processing.attacks import ATTACKS
from processing.attacks.common.base import Attack
from processing.attacks.common.pool import Batch, Pool
from processing.attacks.common.recipe import create

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


def held_out() -> tuple[Images, Any]:
    """Return a test set like the pool, ten images of noise a class."""
    there = make_pool(rows=40, seed=9)
    return there.x, there.y


def toy_surrogate(folder: Path, activation: str = "relu") -> Any:
    """Return an untrained model of the pool's images and classes, as an attack is given one.

    One of `tanh` has a slope everywhere, where a unit of the other may be dead.
    """
    import keras

    from training.model import ModelView, save_model

    shape = make_pool().x.shape[1:]
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input(shape, dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation=activation, name="features"),
            keras.layers.Dense(len(CLASSES), name="logits"),
            keras.layers.Softmax(),
        ]
    )
    about: dict[str, Any] = {"architecture": "toy", "classes": CLASSES, "input_shape": shape}
    save_model(model, folder, **about, seed=0, parents={}, rows=0, history={})
    return ModelView(folder, shape)


def spec(kind: str, **settings: Any) -> Spec:
    """Return an entry of a recipe."""
    return Spec.model_validate({"kind": kind, **settings})


def make(kind: str, **settings: Any) -> Attack:
    """Return an attack from its settings."""
    return create(spec(kind, **settings))


def make_example(kind: str, **settings: Any) -> Attack:
    """Return an attack from the settings that it gives as its example, some of them changed."""
    return make(kind, **{**ATTACKS[kind].example, **settings})


def stage(attack: Attack, pool: Pool, seed: int = 0) -> Batch:
    """Return what the attack does with a generator of that seed."""
    return attack.poison(pool, np.random.default_rng(seed))


def add_kind(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str, source: str) -> None:
    """Put a file beside the attacks for the time of a test: a new kind, as anybody would write one."""
    (folder / f"{kind}.py").write_text(source)
    monkeypatch.setattr(processing.attacks, "__path__", [*processing.attacks.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"processing.attacks.{kind}", raising=False)


def as_fractions(x: Images) -> Any:
    """Return images as ART takes them."""
    return x / 255


def as_bytes(x: Any) -> Images:
    """Return what ART made as images, which must be exact."""
    got: Images = np.rint(x * 255).astype(np.uint8)
    assert np.array_equal(got / 255, x), "ART's result is not on the grid of 8 bits"
    return got
