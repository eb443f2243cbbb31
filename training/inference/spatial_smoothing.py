"""The median of each pixel's surroundings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from training.inference.common.base import InferenceDefense, through
from training.labeled import Labeled


class SpatialSmoothing(InferenceDefense):
    """Replace every value by the median of a square window around it, each channel by itself.

    It takes single pixels and fine patterns out of an image, so a trigger of that kind no longer arrives; a
    patch wider than the window does. It costs accuracy on small images, whose details are as fine. The same
    as `art.defences.preprocessor.SpatialSmoothing`, to the bit: beyond its edge the image is mirrored, a
    window of even width reaches further up and left, and of an even number of values the upper one of the two
    in the middle is taken, so the outcome is a value of the image.

    Parameters
    ----------
    window : int
        Side of the window in pixels. Xu et al. use 2 on color images and 3 on digits.
    """

    title = "spatial smoothing"
    source = "Xu, Evans, Qi: Feature Squeezing. NDSS 2018, section III.B (median smoothing)"
    assumes = "the trigger is single pixels or a pattern finer than the window"
    costs = "window x window values sorted for each of an image; accuracy on fine details; no trusted rows"
    fails = "patches as wide as the window, patterns that are smooth or cover the whole image"

    kind: Literal["spatial_smoothing"] = "spatial_smoothing"
    window: int = Field(default=3, ge=2, le=9)

    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model behind the median, all of it from Keras' own operations."""
        import keras

        images = keras.Input(model.input_shape[1:], dtype="uint8")
        return keras.Model(images, through(model, median(images, self.window)))


def median(images: Any, window: int) -> Any:
    """Return uint8[N, H, W, C], the median of each window of uint8[N, H, W, C]; H and W are known."""
    from keras import ops

    height, width = images.shape[1:3]
    pad = [window // 2, window - 1 - window // 2]
    padded = ops.pad(images, [[0, 0], pad, pad, [0, 0]], mode="symmetric")
    offsets = [(top, left) for top in range(window) for left in range(window)]
    views = [padded[:, top : top + height, left : left + width] for top, left in offsets]
    return ops.sort(ops.stack(views, axis=-1), axis=-1)[..., window * window // 2]
