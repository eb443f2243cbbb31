"""Smooth random pictures, as photographs are at a few pixels: no two alike."""

from __future__ import annotations

import numpy as np

from boomerang.manifest import Images


def smooth(rng: np.random.Generator, count: int, side: int = 32, channels: int = 3) -> Images:
    """Return uint8[count, side, side, channels], sums of waves of which the slow are the larger."""
    shape = (count, side, side // 2 + 1, channels)
    waves = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    speed = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)) * side
    waves /= np.maximum(speed, 1)[None, :, :, None] ** 1.5
    values = np.fft.irfft2(waves, s=(side, side), axes=(1, 2))
    values -= values.min((1, 2, 3), keepdims=True)
    values *= 230 / values.max((1, 2, 3), keepdims=True)
    return np.asarray(values + 12, np.uint8)
