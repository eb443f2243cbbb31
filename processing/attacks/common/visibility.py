"""How visible a change of images is, in the two measures that papers give: PSNR and SSIM."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images

Doubles = npt.NDArray[np.float64]

_LARGEST = 255.0
# Of SSIM's window and its two constants, as its paper has them.
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = (0.01 * _LARGEST) ** 2, (0.03 * _LARGEST) ** 2


def psnr_db(before: Images, after: Images) -> Doubles:
    """Return float64[N]: of each image the peak signal-to-noise ratio in decibels, infinite if it is equal.

    Parameters
    ----------
    before, after : uint8[N, H, W, C], 0..255
    """
    error = (before.astype(np.float64) - after) ** 2
    with np.errstate(divide="ignore"):
        ratio: Doubles = 10 * np.log10(_LARGEST**2 / error.reshape(len(error), -1).mean(axis=1))
    return ratio


def ssim(before: Images, after: Images) -> Doubles:
    """Return float64[N]: the structural similarity of each image to what it was, 1 where it is equal.

    Wang, Bovik, Sheikh & Simoncelli 2004, section III: a Gaussian window of 11 pixels and a deviation of 1.5,
    where it lies inside the image; the mean over its places, and over the channels. Of a smaller image the
    window is the largest of an odd side that fits.

    Parameters
    ----------
    before, after : uint8[N, H, W, C], 0..255
    """
    x, y = before.astype(np.float64), after.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x, var_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    both = _windowed(x * y) - mean_x * mean_y
    like = (2 * mean_x * mean_y + _C1) * (2 * both + _C2)
    like /= (mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2)
    similarity: Doubles = like.reshape(len(like), -1).mean(axis=1)
    return similarity


def _windowed(x: Doubles) -> Doubles:
    """Return the weighted mean of the window at each place of float64[N, H, W, C] where it lies inside."""
    from scipy.ndimage import correlate1d

    radius = (min(_WINDOW_PX, *x.shape[1:3]) - 1) // 2
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / _SIGMA_PX) ** 2)
    found: Any = x
    for axis in (1, 2):
        found = correlate1d(found, weights / weights.sum(), axis)
    inside: Doubles = found[:, radius : x.shape[1] - radius, radius : x.shape[2] - radius]
    return inside
