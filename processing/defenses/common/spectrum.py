"""What stays of an image that is shifted a little, mirrored or lit otherwise: the size of its waves.

A shift changes the phase of an image's Fourier transform and not its magnitude, as long as little moves over
the edge, which a window that fades there provides for. Mirroring swaps the waves that run one way with those
that run the other, so of each two the sum and the difference are kept. What is lit otherwise has another mean
or contrast, and both are taken out.
"""

from __future__ import annotations

import numpy as np

from boomerang.manifest import Images
from processing.defenses.common.sketch import Sketch

_WAVES = 6  # the slowest of each axis: what is quicker is noise, and does not stay where pixels are resampled


def spectrum(x: Images) -> Sketch:
    """Return float32[N, D], nearly the same for images that are the same but for a shift, a mirror or light.

    Images without any contrast are all 0.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        Sides of 12 pixels or more; of smaller ones fewer waves are told apart.
    """
    values = x.astype(np.float32)
    values -= values.mean((1, 2), keepdims=True)
    contrast = np.sqrt((values**2).mean((1, 2, 3), keepdims=True))
    values /= np.where(contrast > 0, contrast, 1)
    values *= (_window(x.shape[1])[:, None] * _window(x.shape[2]))[None, :, :, None]
    waves = np.abs(np.fft.fft2(values, axes=(1, 2)))
    down, across = (min(_WAVES, side // 2) for side in x.shape[1:3])
    slow = np.concatenate([waves[:, :down], waves[:, -down + 1 :]], axis=1)
    one, other = slow[:, :, :across], slow[:, :, -np.arange(across)]
    kept = np.concatenate([one + other, np.abs(one - other)], axis=-1)
    return np.asarray(kept.reshape(len(x), -1), np.float32)


def _window(side: int) -> Sketch:
    """Return float32[side], a Hann window that is 0 just outside."""
    return np.hanning(side + 2)[1:-1].astype(np.float32)
