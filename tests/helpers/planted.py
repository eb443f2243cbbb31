"""Suspect sets of drawn features with one kind of poison each, beside that of `helpers.suspects`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from helpers.suspects import CLASSES, Mask, make_suspect, with_features
from processing.defenses.common.base import Suspect

Plant = Callable[..., tuple[Suspect, Mask]]


def flipped(seed: int = 0, rows: int = 80) -> tuple[Suspect, Mask]:
    """Clean rows, of which some carry another label, drawn."""
    data, _ = make_suspect(poison=0, seed=seed)
    rng = np.random.default_rng([seed, 1])
    poisoned, y = _some(data, rows, rng), data.y.copy()
    y[poisoned] = (y[poisoned] + rng.integers(1, len(CLASSES), rows)) % len(CLASSES)
    return with_features(data.features, y, data.trusted_features, data.trusted_y), poisoned


def lone(seed: int = 0, rows: int = 10) -> tuple[Suspect, Mask]:
    """Clean rows, of which some lie far off, each in a direction of its own."""
    data, _ = make_suspect(poison=0, seed=seed)
    rng = np.random.default_rng([seed, 2])
    poisoned, features = _some(data, rows, rng), data.features.copy()
    away = rng.standard_normal((rows, features.shape[1]))
    features[poisoned] += 50 * away / np.linalg.norm(away, axis=1, keepdims=True)
    return with_features(features, data.y, data.trusted_features, data.trusted_y), poisoned


def collided(seed: int = 0, rows: int = 30) -> tuple[Suspect, Mask]:
    """Rows labeled `bird` whose features lie among the cats', as those of a feature collision do."""
    data, _ = make_suspect(poison=0, seed=seed)
    rng = np.random.default_rng([seed, 3])
    poisoned, features = np.zeros(len(data.y), bool), data.features.copy()
    poisoned[np.flatnonzero(data.y == CLASSES.index("bird"))[:rows]] = True
    cats = features[data.y == CLASSES.index("cat")]
    features[poisoned] = cats.mean(0) + rng.standard_normal((rows, features.shape[1]))
    return with_features(features, data.y, data.trusted_features, data.trusted_y), poisoned


def overlapping(seed: int = 0, rows: int = 1200, trusted: int = 400) -> Suspect:
    """A clean set of three classes that lie into one another, the first of them twice as frequent."""
    rng = np.random.default_rng([seed, 4])

    def draw(count: int) -> tuple[Any, Any]:
        y = np.array([0, 0, 1, 2])[np.arange(count) % 4]
        return rng.standard_normal((count, 6)) + 1.2 * np.eye(6)[y], y

    return with_features(*draw(rows), *draw(trusted), classes=CLASSES[:3])


def supplied(data: Suspect, poisoned: Mask, suppliers: int = 8, seed: int = 0) -> Suspect:
    """The same rows from as many suppliers, each of as many; all that is poisoned is the second's."""
    rng = np.random.default_rng([seed, 5])
    order = np.concatenate([rng.permutation(np.flatnonzero(rows)) for rows in (poisoned, ~poisoned)])
    sources = np.empty(len(order), np.int64)
    sources[order] = np.roll(np.arange(suppliers), -1)[np.arange(len(order)) * suppliers // len(order)]
    return replace(data, sources=sources, source_names=tuple(f"supplier-{k + 1}" for k in range(suppliers)))


def _some(data: Suspect, rows: int, rng: np.random.Generator) -> Mask:
    chosen = np.zeros(len(data.y), bool)
    chosen[rng.choice(len(data.y), rows, replace=False)] = True
    return chosen
