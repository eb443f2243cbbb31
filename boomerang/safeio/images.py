"""Pictures: JPEG, PNG, WebP, TIFF, BMP, GIF and PPM, told by their content and decoded under a cap."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from boomerang.errors import BadInput
from boomerang.safeio.files import RefusedError, read_bytes, reading, regular_file, said
from boomerang.safeio.picture_files import (
    HEAD_BYTES,
    Kind,
    check_pixels,
    check_scans,
    checked,
    told,
)

MAX_PIXELS = 64_000_000
MAX_IMAGE_BYTES = 256 << 20
# What is converted is held twice: the cap is half a gigabyte of memory, as MAX_PIXELS is for a picture that
# is decoded to what it stays.
_MAX_CONVERTED_PX = 36_000_000
_PLAIN_MODES = ("1", "L", "P", "RGB")
# Of 8 or 16 bits a channel; mode I is what PPM's 16 bits are read as, and 32 bits in a TIFF.
_MODES = (*_PLAIN_MODES, "I;16", "I;16B", "I;16L", "LA", "La", "PA", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_STRIP_ROWS = 256

# Whether they are is in their header; Pillow would go through all pages of a TIFF.
_ANIMATED = (PngImageFile, WebPImageFile)

_Color = tuple[int, int, int]
WHITE: _Color = (255, 255, 255)

_SAVE_AS = "save it again as JPEG or PNG, or take it out"

# EXIF 2.32, tag 0x0112: what brings the stored pixels upright.
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = tuple(_UPRIGHT[value] for value in (5, 6, 7, 8))


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what its file said about it.

    Attributes
    ----------
    image : PIL.Image.Image
        Upright; mode RGB, or RGBA if it was decoded without a background.
    format : str
        Pillow's name of it, by content: `JPEG`, `PNG`, `WEBP`, `TIFF`, `BMP`, `GIF`, `PPM`.
    mode : str
        Pillow's mode of the stored pixels, e.g. `CMYK`.
    width_px, height_px : int
        As stored: before the orientation is applied and before any reduction.
    upright_px : (int, int)
        Width and height after the orientation is applied and before any reduction.
    scale : int
        A pixel of the image is so many of the file a side, but in its last row and column, which may be less.
    several : bool
        Whether the file holds further frames or pages: this is the first.
    """

    image: Image.Image
    format: str
    mode: str
    width_px: int
    height_px: int
    upright_px: tuple[int, int]
    scale: int = 1
    several: bool = False


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silence Pillow's warnings about odd metadata.

    Warning filters belong to the process: enter this in the main thread, around the threads that
    decode, never inside them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def why_no_picture(path: Path) -> str:
    """Return why a file is no picture by its first bytes; empty where it is one, which may be damaged."""
    try:
        with reading(path, _SAVE_AS), regular_file(path, MAX_IMAGE_BYTES) as (stream, _):
            told(stream.read(HEAD_BYTES))
    except BadInput as error:
        return error.why
    return ""


def open_image(
    path: Path,
    *,
    max_pixels: int = MAX_PIXELS,
    shrink_to_px: int | None = None,
    background: _Color | None = WHITE,
) -> Image.Image:
    """Return the picture in a file as an upright image; see `decode_picture`."""
    data = read_bytes(path, MAX_IMAGE_BYTES)
    picture = decode_picture(
        data, path, max_pixels=max_pixels, shrink_to_px=shrink_to_px, background=background
    )
    return picture.image


def decode_picture(
    data: bytes,
    name: str | Path,
    *,
    max_pixels: int = MAX_PIXELS,
    shrink_to_px: int | None = None,
    background: _Color | None = WHITE,
) -> Picture:
    """Decode a JPEG, PNG, WebP, TIFF, BMP, GIF or PPM, told by its content, to an upright 8-bit image.

    Of an animation the first frame is taken, of a TIFF the first page. Transparency of any kind is laid over
    `background`; 16-bit gray is scaled to 8 bits, not clipped; CMYK and palettes are converted.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str or Path
        What an error calls it.
    max_pixels : int
        Width x height above this is refused before anything is decoded.
    shrink_to_px : int, optional
        A JPEG may be decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many pixels (twice as
        many where a side is no multiple), which is several times faster and close to, but not the same as, a
        full decode. None decodes in full.
    background : tuple of int, optional
        RGB, 0..255, and the image is RGB. None keeps the transparency: the image is RGBA, alpha not
        premultiplied, and opaque where the file says nothing.

    Raises
    ------
    BadInput
        When it is of another format, too large, damaged or cut off, or of more than 16 bits a channel.
    """
    with reading(Path(name), _SAVE_AS):
        kind = told(data)
        try:
            return _decode(kind, data, max_pixels, shrink_to_px, background)
        except RefusedError:
            raise
        except Exception as error:  # a decoder fed foreign bytes may raise anything
            raise RefusedError(f"it is damaged or cut off ({said(error)})") from error


def _decode(
    kind: Kind,
    data: bytes,
    max_pixels: int,
    shrink_to_px: int | None,
    background: _Color | None,
) -> Picture:
    data, several = checked(kind, data, max_pixels)
    stored = kind(BytesIO(data))  # not Image.open: its bomb warning depends on process-wide filters
    several = several or (kind in _ANIMATED and bool(getattr(stored, "is_animated", False)))
    width, height = stored.size
    check_pixels((width, height), max_pixels)
    scale = 1
    if kind is JpegImageFile:
        check_scans(data, width * height)
        scale = _draft(stored, shrink_to_px)
    mode = stored.mode
    if mode not in _MODES and not (mode == "I" and kind is not TiffImageFile):
        raise RefusedError(f"its pixels are of the kind '{mode}', not gray or color of 8 or 16 bits")
    if mode not in _PLAIN_MODES or _is_clear(stored):
        check_pixels(stored.size, min(max_pixels, _MAX_CONVERTED_PX))
    stored.load()
    image = _in_8_bits(stored, background)
    turn = _UPRIGHT.get(_orientation(stored))
    upright = image if turn is None else image.transpose(turn)
    upright_px = (height, width) if turn in _ON_ITS_SIDE else (width, height)
    return Picture(upright, kind.format or "", mode, width, height, upright_px, scale, several)


def _draft(stored: ImageFile.ImageFile, shrink_to_px: int | None) -> int:
    """Ask the JPEG decoder for the smallest of 1/8, 1/4, 1/2 that keeps `shrink_to_px`; return 8, 4, 2 or 1.

    A side that is no multiple ends in a pixel of less, so twice as many are kept. Of a picture that is then
    turned that pixel would be the first, which nobody expects: its sides have to be multiples.
    """
    width, height = stored.size
    for scale in (8, 4, 2) if shrink_to_px else ():
        parted = bool(width % scale or height % scale)
        enough = (shrink_to_px or 0) * (1 + parted)
        kept = max(width, height) // scale >= enough and min(width, height) >= scale
        if kept and not (parted and _orientation(stored) in _UPRIGHT):
            stored.draft(None, (width // scale, height // scale))
            return scale
    return 1


def _orientation(stored: Image.Image) -> int:
    try:
        return int(stored.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # metadata that cannot be read says nothing; the picture itself is sound
        return 1


def _is_clear(image: Image.Image) -> bool:
    """Whether a part of it may be transparent."""
    return image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info


def _in_8_bits(image: Image.Image, background: _Color | None) -> Image.Image:
    if image.mode.startswith("I"):
        image = _scaled_gray(image)
    if background is None:
        return _in_mode(_in_mode(image, "RGBA" if _is_clear(image) else "RGB"), "RGBA")
    return _laid_over(image, background) if _is_clear(image) else _in_mode(image, "RGB")


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # to its own mode it would be a copy


def _laid_over(image: Image.Image, background: _Color) -> Image.Image:
    """Return a picture over a color, as RGB; in strips, which are all that is held more than twice."""
    out = Image.new("RGB", image.size)
    for top in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))
        canvas = Image.new("RGBA", strip.size, (*background, 255))
        out.paste(Image.alpha_composite(canvas, strip.convert("RGBA")).convert("RGB"), (0, top))
    return out


def _scaled_gray(image: Image.Image) -> Image.Image:
    """Return 16-bit gray as mode L; as LA if the file declares one of its grays transparent."""
    wide = np.asarray(image)
    key = image.info.get("transparency")
    out = np.full((*wide.shape, 2 if isinstance(key, int) else 1), 255, np.uint8)
    for top in range(0, len(wide), _STRIP_ROWS):
        strip = wide[top : top + _STRIP_ROWS].astype(np.uint32)
        out[top : top + _STRIP_ROWS, :, 0] = (strip + 128) // 257  # 65535 / 255 = 257: rounds to nearest
        if isinstance(key, int):
            out[top : top + _STRIP_ROWS, :, 1][strip == key] = 0
    return Image.fromarray(out if isinstance(key, int) else out[..., 0])
