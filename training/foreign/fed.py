"""What a foreign model takes, made of the images of the data in plain Keras layers: size, channels, scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# The factor and the offset that make of 0..255 what a model takes.
SCALES = {"0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0), "-1..1": (1 / 127.5, -1.0)}
# ITU-R BT.601, as the range makes pictures gray (`processing.pictures.gray`).
_LUMA = [0.299, 0.587, 0.114]


def feeding(shape: tuple[int, int, int], scale: str) -> Callable[[Any], Any]:
    """Return a function of symbolic images: uint8[N, h, w, c] -> float32[N, H, W, C].

    Images of another size are resized (bilinear, without antialiasing), gray ones repeated in three channels,
    colored ones made gray by their luma.

    Parameters
    ----------
    shape : (int, int, int)
        (H, W, C) that the model takes, C 1 or 3.
    scale : str
        One of `SCALES`.
    """

    def feed(images: Any) -> Any:
        from keras import layers, ops

        factor, offset = SCALES[scale]
        fed = layers.Rescaling(factor, offset, name="pixels")(images)
        if fed.shape[1:3] != shape[:2]:
            fed = layers.Resizing(*shape[:2], name="resized")(fed)
        if fed.shape[3] < shape[2]:
            return layers.Concatenate(name="colored")([fed] * shape[2])
        if fed.shape[3] > shape[2]:
            return ops.sum(layers.Rescaling(_LUMA, name="luma")(fed), axis=-1, keepdims=True)
        return fed

    return feed
