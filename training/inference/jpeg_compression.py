"""Every image as JPEG would give it back."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from training.inference.common.base import InferenceDefense, through
from training.labeled import Labeled

Matrix = npt.NDArray[np.float32]

_SIDE = 8
# The tables of ITU-T T.81, annex K.1: steps of the coefficients of brightness, and of color.
_BRIGHTNESS = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOR = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99, *[99] * 32),
)
# JFIF 1.02: brightness and two colors of red, green and blue, less the 128 of the colors; and back.
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


class JpegCompression(InferenceDefense):
    """Compress every image and take it as it comes back.

    Coarse steps take out what is fine and faint. The same as Pillow's JPEG, and so as
    `art.defences.preprocessor.JpegCompression`, but for rounding: the transform is not libjpeg's with whole
    numbers, and 96 of 100 values or more are within 2 of it, most the same. Color images are three channels,
    with the two of color at half the resolution (4:2:0); of any other number each channel is an image of its
    own.

    Parameters
    ----------
    quality : int
        1 to 100, as Pillow and libjpeg count it. Dioptra takes 50.
    """

    title = "JPEG compression"
    source = "Dziugaite et al. 2016, A study of the effect of JPG compression on adversarial images"
    assumes = "the trigger is fainter than the steps of the compression"
    costs = "four small matrix products for each block of 8 x 8 values; hardly any accuracy; no trusted rows"
    fails = "patches, stripes and blends that can be seen: they are compressed, and still there"

    kind: Literal["jpeg_compression"] = "jpeg_compression"
    quality: int = Field(default=50, ge=1, le=100)

    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model behind the compression, all of it from Keras' own operations."""
        import keras

        images = keras.Input(model.input_shape[1:], dtype="uint8")
        return keras.Model(images, through(model, compressed(images, self.quality)))


def compressed(images: Any, quality: int) -> Any:
    """Return uint8[N, H, W, C], what JPEG makes of uint8[N, H, W, C]; H, W and C are known."""
    from keras import ops

    x, color = ops.cast(images, "float32"), images.shape[-1] == 3
    brightness, coarse = _steps(_BRIGHTNESS, quality), _steps(_COLOR, quality)
    if color:
        x = _rounded(_mixed(x, _TO_YCC), (0, 128, 128))
        y, colors = x[..., :1], _halved(x[..., 1:])
        height, width = images.shape[1:3]
        colors = _doubled(_by_blocks(colors, coarse))[:, :height, :width] - 128
        x = _mixed(ops.concatenate([_by_blocks(y, brightness), colors], axis=-1), _TO_RGB)
    else:
        x = _by_blocks(x, brightness)
    return ops.cast(_rounded(x), "uint8")


def _steps(table: tuple[int, ...], quality: int) -> Matrix:
    """Return float32[8, 8]: a table at a quality, as libjpeg scales it (jcparam.c, jpeg_quality_scaling)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = np.clip((np.array(table) * scale + 50) // 100, 1, 255)
    return steps.reshape(_SIDE, _SIDE).astype(np.float32)


def _rounded(x: Any, plus: tuple[int, ...] = (0,)) -> Any:
    from keras import ops

    return ops.clip(ops.round(x + np.array(plus, np.float32)), 0, 255)


def _mixed(x: Any, rows: tuple[tuple[float, ...], ...]) -> Any:
    """Return float32[..., 3], three channels mixed to three others."""
    from keras import ops

    return ops.matmul(x, np.array(rows, np.float32).T)


def _by_blocks(x: Any, steps: Matrix) -> Any:
    """Return float32[N, H, W, C], 0..255: each block's cosine transform in whole steps, and back."""
    from keras import ops

    height, width, channels = x.shape[1:]
    rows, columns = -(-height // _SIDE), -(-width // _SIDE)
    x = _padded(x, rows * _SIDE - height, columns * _SIDE - width) - 128.0
    x = ops.reshape(x, (-1, rows, _SIDE, columns, _SIDE, channels))
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4))
    cosines = _cosines()
    there = ops.matmul(ops.matmul(cosines, x), cosines.T)
    back = ops.matmul(ops.matmul(cosines.T, _in_steps(there, steps)), cosines)
    x = ops.transpose(back, (0, 1, 4, 2, 5, 3))
    x = ops.reshape(x, (-1, rows * _SIDE, columns * _SIDE, channels))
    return _rounded(x[:, :height, :width], (128,))


def _in_steps(x: Any, steps: Matrix) -> Any:
    """Return the nearest multiples of steps, of a half the larger one: of x in eighths, as libjpeg has it."""
    from keras import ops

    eighths = ops.round(8 * x)
    return ops.sign(eighths) * ops.floor((ops.abs(eighths) + 4 * steps) / (8 * steps)) * steps


def _cosines() -> Matrix:
    """Return float32[8, 8], the orthonormal discrete cosine transform; row k is frequency k."""
    places, frequencies = np.arange(_SIDE) + 0.5, np.arange(_SIDE)
    found = np.cos(np.pi * np.outer(frequencies, places) / _SIDE) * np.sqrt(2 / _SIDE)
    found[0] /= np.sqrt(2)
    return np.asarray(found, np.float32)


def _padded(x: Any, down: int, right: int) -> Any:
    """Return an image with its last row and column repeated."""
    from keras import ops

    for axis, count in ((1, down), (2, right)):
        if count:
            x = ops.concatenate([x, ops.repeat(ops.take(x, [-1], axis=axis), count, axis=axis)], axis=axis)
    return x


def _halved(x: Any) -> Any:
    """Return float32[N, ceil(H / 2), ceil(W / 2), C], means of 2 x 2, a half rounded up and down in turn."""
    from keras import ops

    x = _padded(x, x.shape[1] % 2, x.shape[2] % 2)
    sums = x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]
    in_turn = np.where(np.arange(sums.shape[2]) % 2, 2, 1).astype(np.float32)[:, None]
    return ops.floor((sums + in_turn) / 4)


def _doubled(x: Any) -> Any:
    """Return float32[N, 2 H, 2 W, C]: of each value three quarters, and a quarter of the one next to it.

    As libjpeg does it by default (jdsample.c, h2v2_fancy_upsample).
    """
    from keras import ops

    for axis in (1, 2):
        size = x.shape[axis]
        before = ops.take(x, [0, *range(size - 1)], axis=axis)
        after = ops.take(x, [*range(1, size), size - 1], axis=axis)
        pairs = ops.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
        shape = [-1, *x.shape[1:]]
        shape[axis] = 2 * size
        x = ops.reshape(pairs, tuple(shape))
    return ops.round(x)
