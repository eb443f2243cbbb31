"""Pictures for the page: small PNG files as data URIs, and the difference that a trigger makes."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from boomerang.manifest import Images

# Pictures of a gallery are shown at 64 to 96 pixels; larger ones would only make the page heavy.
MAX_SIDE_PX = 96


def data_uri(image: Images) -> str:
    """Return uint8[H, W, C] as the data URI of a PNG, made smaller if a side is over `MAX_SIDE_PX`."""
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if max(picture.size) > MAX_SIDE_PX:
        picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + b64encode(stream.getvalue()).decode()


def difference(image: Images, before: Images) -> Images:
    """Return how far two pictures differ, brightened until the largest difference is white.

    Parameters
    ----------
    image, before : uint8[H, W, C], 0..255

    Returns
    -------
    uint8[H, W, 1]
        The largest difference of a pixel's channels: black where nothing changed.
    """
    gap = np.abs(image.astype(np.int16) - before.astype(np.int16)).max(axis=-1, keepdims=True)
    return np.asarray(gap * (255 / max(1, int(gap.max()))), np.uint8)
