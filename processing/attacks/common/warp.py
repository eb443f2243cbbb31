"""Images warped by a field of offsets, with bilinear sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.manifest import Images
from processing.attacks.common.whole import as_images

Floats = npt.NDArray[np.float64]

# The constant of the cubic convolution (Keys 1981), as image libraries of deep learning have it.
_CUBIC = -0.75


def enlarged(points: Floats, height: int, width: int) -> Floats:
    """Return a grid of values enlarged by cubic convolution, its corners on the image's corner pixels.

    Parameters
    ----------
    points : float64[K, h, w]
        Beyond the grid its outermost values go on.
    height, width : int

    Returns
    -------
    float64[K, height, width]
    """
    down, across = _cubic(points.shape[1], height), _cubic(points.shape[2], width)
    larger: Floats = down @ points @ across.T
    return larger


def warped(x: Images, offsets: Floats) -> Images:
    """Return images of which each pixel is taken from somewhere else.

    Parameters
    ----------
    x : uint8[N, H, W, C]
    offsets : float64[N or 1, 2, H, W]
        How far down and how far to the right of a pixel the value lies that it gets, in pixels; between
        pixels it is bilinear, and beyond the image that of the edge.

    Returns
    -------
    uint8[N, H, W, C]
        Rounded to nearest.
    """
    count, height, width, channels = x.shape
    (top, down), (left, right) = (
        _before(np.arange(pixels).reshape(shape) + offsets[:, axis], pixels)
        for axis, pixels, shape in ((0, height, (-1, 1)), (1, width, (1, -1)))
    )
    size = height * width * channels
    first = _in_each(top * width + left, channels) * channels + np.arange(size) % channels
    shared = len(first) < count  # one field of offsets does for all images
    flat, along = (x.reshape(count, size), 1) if shared else (x.reshape(-1), None)
    if not shared:
        first += np.arange(count).reshape(-1, 1) * size
    values = np.zeros((count, size), np.float32)
    for below, weight_down in ((0, 1 - down), (width if height > 1 else 0, down)):
        for beside, weight_right in ((0, 1 - right), (1 if width > 1 else 0, right)):
            corner = flat.take(first + (below + beside) * channels, along).reshape(values.shape)
            values += corner * _in_each(weight_down * weight_right, channels)
    return as_images(values.reshape(x.shape))


def _before(at: Floats, pixels: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Return the pixel before each place on an axis, but never the last one, and how far beyond it lies."""
    at = np.clip(at, 0, pixels - 1)
    before = np.minimum(np.floor(at), max(0, pixels - 2))
    return before.astype(np.intp), (at - before).astype(np.float32)


def _in_each(field: npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    """Return array[M, H, W] as array[M, H W C], which a processor goes through without a halt."""
    return np.repeat(field.reshape(len(field), -1), channels, axis=1)


def _cubic(points: int, pixels: int) -> Floats:
    """Return what each point of an axis weighs in each pixel, float64[pixels, points]."""
    at = np.linspace(0, points - 1, pixels)
    weights = np.zeros((pixels, points))
    for tap in range(-1, 3):
        point = np.floor(at) + tap
        distance = np.abs(at - point)
        near = (_CUBIC + 2) * distance**3 - (_CUBIC + 3) * distance**2 + 1
        far = _CUBIC * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        weight = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
        np.add.at(weights, (np.arange(pixels), np.clip(point, 0, points - 1).astype(np.intp)), weight)
    return weights
