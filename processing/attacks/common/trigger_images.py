"""Trigger images: read with their transparency, resized, and laid over images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from boomerang.errors import BadInput, ConfigError, nearest
from boomerang.manifest import Images
from boomerang.safeio import decode_picture, quiet_decoders, read_bytes
from processing.attacks.common.pool import Props
from processing.pictures.gray import luma

MAX_TRIGGER_PIXELS = 4_000_000
MAX_TRIGGER_BYTES = 32 << 20


def load_images(folder: Path) -> dict[str, Images]:
    """Read every `*.png` of a folder.

    Returns
    -------
    dict of str to uint8[h, w, 4]
        By file name without its ending; RGBA, 0..255, alpha not premultiplied.

    Raises
    ------
    BadInput
        If a file is damaged, too large, or no PNG by its content.
    """
    return {file.stem: load_image(file) for file in sorted(folder.glob("*.png"))}


def load_image(path: Path) -> Images:
    """Return a PNG file as uint8[h, w, 4], RGBA; see `load_images`."""
    data = read_bytes(path, MAX_TRIGGER_BYTES)
    with quiet_decoders():
        picture = decode_picture(data, path, max_pixels=MAX_TRIGGER_PIXELS, background=None)
    if picture.format != "PNG":
        why = f"it is a {picture.format} by its content"
        raise BadInput(f"trigger image {path.name}", why, "save it as PNG")
    return np.asarray(picture.image)


def find_image(images: Props, name: str) -> Images:
    """Return the trigger image of that name; raises ConfigError with the nearest known one."""
    if name not in images:
        do = nearest(name, images) if images else "put it into images/triggers as a PNG file"
        raise ConfigError(f"trigger image '{name}'", "there is no such image", do)
    return images[name]


def plain(color: str, size_px: int) -> Images:
    """Return an opaque square uint8[size_px, size_px, 4] of a color `#rrggbb`."""
    rgba = (*ImageColor.getrgb(color)[:3], 255)
    return np.full((size_px, size_px, 4), rgba, np.uint8)


def resized(image: Images, size_px: int) -> Images:
    """Return an RGBA image as uint8[size_px, size_px, 4].

    Pillow premultiplies by alpha before it filters, so hidden colors do not bleed into visible ones.
    """
    return stretched(image, size_px, size_px)


def stretched(image: Images, height: int, width: int) -> Images:
    """Return an RGBA image as uint8[height, width, 4], whatever its sides were; see `resized`."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))


def overlay(x: Images, patch: Images, top_px: int, left_px: int) -> Images:
    """Return a copy of the images with an RGBA patch laid over each.

    Parameters
    ----------
    x : uint8[N, H, W, C], C = 1 or 3
        With one channel the patch is turned to gray first.
    patch : uint8[h, w, 4]
    top_px, left_px : int
        Where its upper left corner goes; the patch must lie inside the image.

    Returns
    -------
    uint8[N, H, W, C]
        Inside the patch (a p + (255 - a) x) / 255 rounded to nearest, outside x.
    """
    height, width = patch.shape[:2]
    region = np.s_[:, top_px : top_px + height, left_px : left_px + width, :]
    alpha = patch[..., 3:].astype(np.uint16)
    paint = in_channels(patch, x.shape[3]).astype(np.uint16)
    stamped = x.copy()
    # At most 255 * 255 + 127 = 65152, which uint16 holds.
    stamped[region] = (alpha * paint + (255 - alpha) * x[region] + 127) // 255
    return stamped


def in_channels(patch: Images, channels: int) -> Images:
    """Return the paint of an RGBA image, uint8[h, w, C], for images of 1 or 3 channels; else ConfigError."""
    if channels == 3:
        return patch[..., :3]
    if channels == 1:
        return luma(patch[..., :3])
    raise ConfigError(f"images of {channels} channels", "a trigger needs 1 or 3", "convert the data")
