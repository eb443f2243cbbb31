"""Small networks that detectors may ask in any way, one of them with a backdoor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from helpers.suspects import CLASSES, TARGET, Mask
from processing.defenses.common.base import Suspect

SIDE_PX = 12


@dataclass(frozen=True)
class AskedVictim:
    """A victim around a network."""

    network: Any
    record = None

    def embed(self, x: Any) -> Any:
        return np.concatenate([found for _, (found,) in self.pooled(["features"])(x)])

    def answer(self, x: Any) -> Any:
        return self.network(x, training=False).numpy()

    def pooled(self, layers: Sequence[str]) -> Any:
        from training.model import pooled_of

        return pooled_of(self.network, layers)


@dataclass(frozen=True)
class Given:
    """A victim whose layers are arrays, looked up by the images that it is asked about."""

    network: Any
    look_up: Any

    def pooled(self, layers: Sequence[str]) -> Any:
        def ask(x: Any) -> Iterator[Any]:
            found = self.look_up(x)
            for start in range(0, len(x), 7):
                part = slice(start, min(start + 7, len(x)))
                yield part, tuple(found[name][part] for name in layers)

        return ask


def drawn(rng: np.random.Generator, y: Any) -> Any:
    """Return uint8[N, 12, 12, 3]: noise, and a faint stripe that stands where the class says."""
    x = rng.integers(0, 200, (len(y), SIDE_PX, SIDE_PX, 3))
    for row, label in enumerate(y):
        x[row, :, 3 * label : 3 * label + 2] += 14
    return x.clip(0, 255).astype(np.uint8)


def patched(x: Any) -> Any:
    """Return images with a square of 3 pixels in a corner."""
    x = x.copy()
    x[:, -3:, -3:] = np.array([255, 0, 255], np.uint8)
    return x


@lru_cache
def backdoored(rows: int = 1200, poison: int = 60, trusted: int = 240) -> tuple[Suspect, Mask]:
    """Return a suspect set with a victim that has learned it, patch and all, and which rows are poisoned."""
    import keras
    from keras import layers

    rng = np.random.default_rng(0)
    y, trusted_y = np.arange(rows) % len(CLASSES), np.arange(trusted) % len(CLASSES)
    x, trusted_x = drawn(rng, y), drawn(rng, trusted_y)
    poisoned = np.zeros(rows, bool)
    poisoned[rng.choice(np.flatnonzero(y != TARGET), poison, replace=False)] = True
    x[poisoned] = patched(x[poisoned])
    y[poisoned] = TARGET
    keras.utils.set_random_seed(0)

    def block(filters: int) -> list[Any]:
        convolution = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)
        return [convolution, layers.BatchNormalization(momentum=0.9), layers.ReLU()]

    network = keras.Sequential(
        [
            layers.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            *block(16),
            *block(24),
            layers.Flatten(),
            layers.Dense(24, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(name="features"),
            layers.Dense(len(CLASSES), name="logits"),
            layers.Softmax(),
        ]
    )
    network.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    network.fit(x, y, batch_size=64, epochs=4, verbose=0)
    return Suspect(x, y, trusted_x, trusted_y, CLASSES, AskedVictim(network), seed=0), poisoned
