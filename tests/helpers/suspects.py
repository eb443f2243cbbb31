"""Suspect training sets with planted features, for the tests of the detectors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.formats.model import Record
from processing.defenses.common.base import Features, Suspect

CLASSES = ("airplane", "bird", "cat", "dog")
TARGET = 1
POISON_IS_FAR = 9.0
_DIMENSIONS = 24

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StubVictim:
    """A victim whose features are given; its head is a fixed linear one.

    Attributes
    ----------
    look_up : callable
        uint8[N, H, W, C] -> float32[N, D].
    classes : int
    record : Record or None
        What its training saw of each row.
    """

    look_up: Callable[[Any], Any]
    classes: int = len(CLASSES)
    record: Record | None = None

    def embed(self, x: Any) -> Features:
        return np.asarray(self.look_up(x), np.float32)

    def answer(self, x: Any) -> Features:
        logits = self.embed(x) @ self._head(x)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return odds / odds.sum(1, keepdims=True)

    convolutions = ("first", "second")

    def slopes(self, layers: Sequence[str]) -> Callable[[Any, Any], list[Features]]:
        """The gradient of a class' logit by the features, whatever the layers are called."""
        return lambda x, y: [self._head(x).T[y] for _ in layers]

    @property
    def network(self) -> Any:
        """A small network that has learned nothing; what it finds has to do with no feature."""
        return drawn_network(self.classes)

    def pooled(self, layers: Any) -> Any:
        from training.model import pooled_of

        return pooled_of(self.network, layers)

    def _head(self, x: Any) -> Features:
        width = self.embed(x).shape[1]
        return np.random.default_rng(0).standard_normal((width, self.classes)).astype(np.float32) / 10


@lru_cache
def drawn_network(classes: int, size_px: int = 8) -> Any:
    """Return a network of uint8[N, size_px, size_px, 3] with two batch norms, its weights drawn."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            layers.Input((size_px, size_px, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.ReLU(name="features"),
            layers.Dense(classes, name="logits"),
            layers.Softmax(),
        ]
    )


def noise_images(rng: np.random.Generator, rows: int, size_px: int = 8) -> Any:
    """Return uint8[rows, size_px, size_px, 3], every image unlike any other."""
    return rng.integers(0, 256, (rows, size_px, size_px, 3), dtype=np.uint8)


def patterned(rng: np.random.Generator, y: Any) -> Any:
    """Return uint8[N, 8, 8, 3]: noise, and in it stripes whose direction and color say the class, 0..3."""
    x = rng.integers(0, 180, (len(y), 8, 8, 3))
    for row, label in enumerate(y):
        lines = x[row, ::2] if label % 2 else x[row, :, ::2]
        lines[..., label // 2] += 60
    return x.astype(np.uint8)


def make_suspect(
    *,
    rows: int = 1600,
    poison: int = 40,
    trusted: int = 400,
    seed: int = 0,
    kinds_of_dogs: bool = False,
    classes: tuple[str, ...] = CLASSES,
) -> tuple[Suspect, Mask]:
    """Return a suspect set whose features are drawn, and which of its rows are poisoned.

    Each class is a normal cloud that is long in some directions (standard deviation up to 5). Poison
    carries the label `bird` and lies `POISON_IS_FAR` along a direction of standard deviation 1.
    With `kinds_of_dogs` a third of the dogs, trusted ones as well, lies apart from the others.
    """
    rng = np.random.default_rng([seed, 7])
    deviations = np.linspace(5, 1, _DIMENSIONS)
    centers = 6 * rng.standard_normal((len(classes), _DIMENSIONS))

    def draw(y: Any) -> Any:
        features = centers[y] + deviations * rng.standard_normal((len(y), _DIMENSIONS))
        if kinds_of_dogs:
            features[(y == 3) & (rng.random(len(y)) < 0.3), 0] += 40
        return features

    y, trusted_y = np.arange(rows) % len(classes), np.arange(trusted) % len(classes)
    features, trusted_features = draw(y), draw(trusted_y)
    poisoned = np.zeros(rows, bool)
    poisoned[rng.choice(rows, poison, replace=False)] = True
    y[poisoned] = TARGET
    features[poisoned] = centers[TARGET] + 0.5 * rng.standard_normal((poison, _DIMENSIONS))
    features[poisoned, -1] += POISON_IS_FAR
    return with_features(features, y, trusted_features, trusted_y, classes=classes), poisoned


def class_share(
    share: float,
    *,
    rows: int = 400,
    trusted: int = 200,
    seed: int = 0,
    shift: float = 0.0,
    classes: tuple[str, ...] = CLASSES,
) -> tuple[Suspect, Mask]:
    """Return a suspect set in which a share of the class `bird` is poison, and which of its rows are.

    Poison is as wide as the class, and lies `POISON_IS_FAR` along a direction of standard deviation 1.

    Parameters
    ----------
    share : float
        0..1.
    rows, trusted : int
        Of each class.
    seed : int
    shift : float
        How far, in standard deviations, all suspect rows lie from the trusted ones, as rows that a victim
        has learned do.
    classes : tuple of str
    """
    rng = np.random.default_rng([seed, 11])
    deviations = np.linspace(5, 1, _DIMENSIONS)
    centers = 6 * rng.standard_normal((len(classes), _DIMENSIONS))
    y, trusted_y = (np.repeat(np.arange(len(classes)), count) for count in (rows, trusted))
    features, trusted_features = (
        centers[labels] + deviations * rng.standard_normal((len(labels), _DIMENSIONS))
        for labels in (y, trusted_y)
    )
    poisoned = np.zeros(len(y), bool)
    poisoned[rng.choice(np.flatnonzero(y == TARGET), round(share * rows), replace=False)] = True
    features[poisoned, -1] += POISON_IS_FAR
    features += shift * deviations / np.sqrt(_DIMENSIONS)
    return with_features(features, y, trusted_features, trusted_y, classes=classes), poisoned


def with_features(
    features: Any, y: Any, trusted_features: Any, trusted_y: Any, *, classes: tuple[str, ...] = CLASSES
) -> Suspect:
    """Return a suspect set of noise images whose features are as given."""
    rng = np.random.default_rng(0)
    x, trusted_x = noise_images(rng, len(y)), noise_images(rng, len(trusted_y))

    def embed(images: Any) -> Any:
        return np.asarray(features if images is x else trusted_features, np.float32)

    victim = StubVictim(embed, len(classes))
    return Suspect(x, np.asarray(y), trusted_x, np.asarray(trusted_y), classes, victim, seed=0)


def art_poison_detector(module: str) -> Any:
    """Import a module of ART's poison detectors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ART says at import that PyTorch is not installed
        return import_module(f"art.defences.detector.poison.{module}")


def _no_features(_: Any) -> Any:
    raise AssertionError("this detector needs no features")


# Where no detector may ask the victim.
NO_VICTIM = StubVictim(_no_features)
