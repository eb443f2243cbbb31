"""Images of one blob each, for detectors that look at pixels: three numbers say all of a clean one."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.suspects import NO_VICTIM, Mask
from processing.defenses.common.base import Suspect

SIDE_PX = 16


def blobs(rows: int, rng: np.random.Generator, channels: int = 1) -> Any:
    """Return uint8[rows, 16, 16, channels] and int64[rows]: a blob on the left, or one on the right."""
    y = np.arange(rows) % 2
    down, along, wide = rng.normal(8, 1, rows), rng.normal(4 + 8 * y, 0.7), rng.uniform(2, 3, rows)
    at = np.arange(SIDE_PX)
    apart = (at[:, None] - down[:, None, None]) ** 2 + (at - along[:, None, None]) ** 2
    images = 220 * np.exp(-apart / (2 * wide[:, None, None] ** 2))
    return np.repeat(images[..., None], channels, 3).astype(np.uint8), y


def blob_suspect(
    patched: int = 0, flipped: int = 0, rows: int = 300, trusted: int = 200, seed: int = 0
) -> tuple[Suspect, Mask]:
    """Return a suspect set in which some rows have a checkered corner and some the other label; and which."""
    rng = np.random.default_rng([seed, 5])
    (x, y), (trusted_x, trusted_y) = blobs(rows, rng), blobs(trusted, rng)
    chosen = rng.permutation(rows)[: patched + flipped]
    x[chosen[:patched], :6, :6, 0] = 255 * (np.indices((6, 6)).sum(0) % 2)
    y[chosen[patched:]] = 1 - y[chosen[patched:]]
    poisoned = np.zeros(rows, bool)
    poisoned[chosen] = True
    return Suspect(x, y, trusted_x, trusted_y, ("left", "right"), NO_VICTIM, seed), poisoned
