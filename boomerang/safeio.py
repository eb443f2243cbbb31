"""The only place that opens foreign files, and the helpers that write files in one piece.

A file that was handed in may be broken or made to harm: a picture that unpacks to terabytes, an
array that is a pickle, an archive that writes outside its folder. Each reader here looks at the
content and not at the file's name, knows the size before it allocates, and refuses with a
`BadInput` that names the file, the reason and what to do. Reasons hold no path and no address, so
that a manifest listing them is the same wherever it was made.

Needs numpy and pillow; Keras is imported inside `load_keras_model` alone.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
import re
import stat
import struct
import tarfile
import tempfile
import tomllib
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from gzip import GzipFile
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput, IntegrityError

MAX_PIXELS = 64_000_000
MAX_SIDE_PX = 65_535
MAX_IMAGE_BYTES = 256 << 20
MAX_JPEG_SCANS = 100
MAX_ARRAY_BYTES = 32 << 30
MAX_NPZ_BYTES = 4 << 30
MAX_NPZ_MEMBERS = 64
MAX_JSON_BYTES = 64 << 20
MAX_TOML_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_TAR_BYTES = 8 << 30
MAX_TAR_MEMBERS = 10_000
MAX_MODEL_BYTES = 2 << 30

# Honest archives of arrays and models shrink to a tenth, seldom to a hundredth; a bomb to a thousandth.
_UNPACK_RATIO = 100
_UNPACK_FREE_BYTES = 256 << 20

_Color = tuple[int, int, int]
WHITE: _Color = (255, 255, 255)


class _RefusedError(Exception):
    """Why a file is not taken, before its name is known; it never leaves this module."""


@contextmanager
def _reading(path: Path, do: str, *expected: type[Exception]) -> Iterator[None]:
    """Turn a refusal, a system error or an `expected` parser error into a BadInput about `path`."""
    what = f"cannot use {display_name(path)}"
    try:
        yield
    except _RefusedError as refusal:
        raise BadInput(what, str(refusal), do) from None
    except expected as error:
        raise BadInput(what, f"it is damaged ({_said(error)})", do) from error
    except OSError as error:
        raise BadInput(what, error.strerror or _said(error), do) from error


def _said(error: Exception) -> str:
    # An object's address would make two reports of the same file differ.
    text = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "the data", str(error))
    return f"{type(error).__name__}: {display_name(text)}" if text else type(error).__name__


def display_name(name: str | Path) -> str:
    r"""Return a foreign name as printable text: control characters and broken UTF-8 become escapes.

    >>> display_name("a\x1b[31m.png")
    'a\\x1b[31m.png'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


# --- any file -----------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path, max_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file of 1..max_bytes bytes; gives the stream and its size."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL in the name
        raise _RefusedError(_said(error)) from None
    if not stat.S_ISREG(mode):
        # Opening a FIFO waits for ever and opening a device may do something.
        raise _RefusedError("it is a folder" if stat.S_ISDIR(mode) else "it is a device, pipe or socket")
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0:
            raise _RefusedError("it is empty")
        _check_size(size, max_bytes)
        yield stream, size


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise _RefusedError(f"it has {size:,} bytes, the limit is {max_bytes:,}")


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of 1..max_bytes bytes.

    Raises
    ------
    BadInput
        When it is missing, not a regular file, empty or too large.
    """
    with _reading(path, "give a readable file below the limit"), _opened(path, max_bytes) as (stream, size):
        return stream.read(size)


def real_path(path: Path) -> Path:
    """Return the path with every link followed; where links lead in a circle it stops, and does not raise."""
    return Path(os.path.realpath(path))


def safe_join(root: Path, name: str) -> Path:
    """Return `root/name` for a relative name from a foreign source.

    The result lies below `root`, also after every symbolic link on the way is followed.

    Raises
    ------
    BadInput
        When the name is empty, absolute, climbs out with `..`, or leads out through a link.
    """
    with _reading(root, "use a relative name that stays inside the folder"):
        _check_member_name(name)
        joined = root / name
        if not real_path(joined).is_relative_to(real_path(root)):
            raise _RefusedError(f"the name '{display_name(name)}' leads out of it through a link")
    return joined


def _check_member_name(name: str) -> None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    shown = display_name(name)
    if not posix.parts or "\0" in name:
        raise _RefusedError(f"the name '{shown}' is no file name")
    if posix.is_absolute() or windows.drive or windows.root:
        raise _RefusedError(f"the name '{shown}' is absolute")
    if ".." in posix.parts or ".." in windows.parts:
        raise _RefusedError(f"the name '{shown}' climbs out of the folder")


# --- pictures -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what its file said about it.

    Attributes
    ----------
    image : PIL.Image.Image
        Mode RGB, upright.
    format : str
        `JPEG`, `PNG` or `WEBP`, by content.
    mode : str
        Pillow's mode of the stored pixels, e.g. `CMYK`.
    width_px, height_px : int
        As stored: before the orientation is applied and before any reduction.
    """

    image: Image.Image
    format: str
    mode: str
    width_px: int
    height_px: int


_SAVE_AS = "save it again as JPEG, PNG or WebP, or take it out"

_KNOWN_FOREIGN = (
    (b"GIF8", 0, "a GIF"),
    (b"II*\0", 0, "a TIFF"),
    (b"MM\0*", 0, "a TIFF"),
    (b"BM", 0, "a BMP"),
    (b"ftypheic", 4, "a HEIC picture"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"<svg", 0, "an SVG"),
    (b"<?xml", 0, "an XML document"),
    (b"%PDF", 0, "a PDF"),
    (b"%!PS", 0, "a PostScript program"),
    (b"MZ", 0, "a Windows program"),
    (b"\x7fELF", 0, "a program"),
    (b"PK\x03\x04", 0, "a zip archive"),
)

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


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silence Pillow's warnings about odd metadata.

    Warning filters belong to the process: enter this in the main thread, around the threads that
    decode, never inside them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def open_image(
    path: Path,
    *,
    max_pixels: int = MAX_PIXELS,
    shrink_to_px: int | None = None,
    background: _Color = WHITE,
) -> Image.Image:
    """Return the picture in a JPEG, PNG or WebP file as an upright RGB image; see `decode_picture`."""
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
    background: _Color = WHITE,
) -> Picture:
    """Decode a JPEG, PNG or WebP, told by its content, to an upright 8-bit RGB image.

    Of an animation the first frame is taken. Transparency of any kind is laid over `background`;
    16-bit gray is scaled to 8 bits, not clipped; CMYK and palettes are converted.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str or Path
        What an error calls it.
    max_pixels : int
        Width x height above this is refused before anything is decoded.
    shrink_to_px : int, optional
        A JPEG may be decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many pixels,
        which is several times faster and close to, but not the same as, a full decode. None
        decodes in full.
    background : tuple of int
        RGB, 0..255.

    Raises
    ------
    BadInput
        When it is of another format, too large, damaged or cut off.
    """
    with _reading(Path(name), _SAVE_AS):
        kind = _picture_kind(data)
        try:
            return _decode(kind, data, max_pixels, shrink_to_px, background)
        except _RefusedError:
            raise
        except Exception as error:  # a decoder fed foreign bytes may raise anything
            raise _RefusedError(f"it is damaged or cut off ({_said(error)})") from error


def _picture_kind(data: bytes) -> type[ImageFile.ImageFile]:
    """Choose the one decoder for the content; no other plugin of Pillow ever sees the bytes."""
    if data[:3] == b"\xff\xd8\xff":
        return JpegImageFile
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return PngImageFile
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImageFile
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, at, what in _KNOWN_FOREIGN:
        if head[at : at + len(magic)] == magic:
            raise _RefusedError(f"it is {what} by its content, not a JPEG, PNG or WebP")
    raise _RefusedError("its content is not a JPEG, PNG or WebP")


def _decode(
    kind: type[ImageFile.ImageFile],
    data: bytes,
    max_pixels: int,
    shrink_to_px: int | None,
    background: _Color,
) -> Picture:
    if kind is WebPImageFile:
        # Its decoder allocates the canvas while it opens, so the claim is checked before.
        _check_pixels(_webp_size(data), max_pixels)
    stored = kind(BytesIO(data))  # not Image.open: its bomb warning depends on process-wide filters
    width, height = stored.size
    _check_pixels((width, height), max_pixels)
    if kind is JpegImageFile:
        _check_scans(data)
        _draft(stored, shrink_to_px)
    mode = stored.mode
    stored.load()
    image = _to_rgb(stored, background)
    turn = _UPRIGHT.get(_orientation(stored))
    upright = image if turn is None else image.transpose(turn)
    return Picture(upright, stored.format or "", mode, width, height)


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE_PX:
        limit = f"the limit is {max_pixels:,} pixels, {MAX_SIDE_PX:,} a side"
        raise _RefusedError(f"it has {width} x {height} = {width * height:,} pixels, {limit}")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from a WebP header (RFC 9649, sections 2.5 to 2.7)."""
    chunk = data[12:16]
    if len(data) < 30:
        raise _RefusedError("it is cut off within its header")
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _check_scans(data: bytes) -> None:
    """Refuse a JPEG of very many scans: each is a pass over every pixel for a few bytes of file."""
    marker = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
    scans, at = 0, 2
    while found := marker.search(data, at):
        at, code = found.end(), found.group()[1]
        if code == 0xD9:
            return
        if code not in (0x01, 0xD8):
            at += int.from_bytes(data[at : at + 2], "big")
        scans += code == 0xDA
        if scans > MAX_JPEG_SCANS:
            raise _RefusedError(
                f"it has more than {MAX_JPEG_SCANS} scans, which only serves to stall a reader"
            )


def _draft(stored: ImageFile.ImageFile, shrink_to_px: int | None) -> None:
    """Ask the JPEG decoder for the smallest of 1/8, 1/4, 1/2 that keeps `shrink_to_px`."""
    if shrink_to_px is None:
        return
    width, height = stored.size
    for scale in (8, 4, 2):
        if max(width, height) // scale >= shrink_to_px and min(width, height) >= scale:
            stored.draft(None, (width // scale, height // scale))
            return


def _orientation(stored: Image.Image) -> int:
    try:
        return int(stored.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # metadata that cannot be read says nothing; the picture itself is sound
        return 1


def _to_rgb(image: Image.Image, background: _Color) -> Image.Image:
    if image.mode.startswith("I"):
        return _gray16_to_rgb(image, background)
    if image.mode not in ("RGBA", "RGBa", "LA", "La", "PA") and "transparency" not in image.info:
        return image.convert("RGB")
    canvas = Image.new("RGBA", image.size, (*background, 255))
    return Image.alpha_composite(canvas, image.convert("RGBA")).convert("RGB")


def _gray16_to_rgb(image: Image.Image, background: _Color) -> Image.Image:
    wide = np.asarray(image).astype(np.uint32)
    gray = ((wide + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257: rounds to nearest
    rgb = np.repeat(gray[..., None], 3, axis=2)
    key = image.info.get("transparency")
    if isinstance(key, int):
        rgb[wide == key] = background
    return Image.fromarray(rgb)


# --- arrays -------------------------------------------------------------------------------------

_SAVE_NPY = "save it again with numpy.save(..., allow_pickle=False)"
_MAX_NPY_HEADER_BYTES = 10_000
_MAX_NDIM = 8
_KIND_NAMES = {"b": "bool", "i": "int", "u": "unsigned int", "f": "float", "c": "complex", "U": "text"}


@dataclass(frozen=True)
class _NpyHeader:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    offset: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def load_npy(
    path: Path,
    *,
    kinds: str = "biuf",
    ndim: int | None = None,
    max_bytes: int = MAX_ARRAY_BYTES,
    mmap: bool = False,
) -> npt.NDArray[Any]:
    """Return the array of an `.npy` file.

    Parameters
    ----------
    path : Path
    kinds : str
        Allowed values of `dtype.kind`; objects (pickles) and records are never allowed.
    ndim : int, optional
        The number of dimensions it must have; without it any up to 8.
    max_bytes : int
        Larger files are refused.
    mmap : bool
        Map the file read-only instead of reading it.

    Raises
    ------
    BadInput
        When it is no `.npy` file, holds a pickle or another dtype or shape than allowed, or its
        header and its size do not agree to the byte.
    """
    with (
        _reading(path, _SAVE_NPY, ValueError, MemoryError, OverflowError),
        _opened(path, max_bytes) as (stream, size),
    ):
        header = _npy_header(stream, size, kinds, ndim)
        if mmap and header.data_bytes:  # an empty array cannot be mapped
            return _map(path, header)
        return _read_array(stream, header)


def _map(path: Path, header: _NpyHeader) -> npt.NDArray[Any]:
    order: Any = header.order
    return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)


def _npy_header(stream: IO[bytes], size: int, kinds: str, ndim: int | None) -> _NpyHeader:
    """Read the header (numpy's NEP 1) and hold it against the size of the file or member."""
    fields, offset = _npy_fields(stream)
    shape, order = fields["shape"], "F" if fields["fortran_order"] else "C"
    if not (isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise _RefusedError("its header's shape is no tuple of sizes")
    header = _NpyHeader(_npy_dtype(fields["descr"], kinds), shape, order, offset)
    if len(shape) > _MAX_NDIM or ndim not in (None, len(shape)):
        raise _RefusedError(f"it has {len(shape)} dimensions, expected {ndim or f'at most {_MAX_NDIM}'}")
    if max(shape, default=0) >= 2**48:
        raise _RefusedError(f"its header claims the shape {list(shape)}")
    if header.data_bytes != size - offset:
        raise _RefusedError(
            f"its header claims {header.data_bytes:,} bytes of data, it has {size - offset:,}"
        )
    return header


def _npy_fields(stream: IO[bytes]) -> tuple[dict[str, Any], int]:
    start = stream.read(8)
    if start[:6] != b"\x93NUMPY":
        raise _RefusedError("its content is not a numpy array (.npy)")
    # Version 3 differs in the names of record fields only, and records are not taken.
    width = {b"\x01\x00": 2, b"\x02\x00": 4}.get(start[6:8])
    if width is None:
        raise _RefusedError(f"its format version {list(start[6:8])} is not 1.0 or 2.0")
    length = int.from_bytes(stream.read(width), "little")
    if length > _MAX_NPY_HEADER_BYTES:
        raise _RefusedError(f"its header claims {length:,} bytes, the limit is {_MAX_NPY_HEADER_BYTES:,}")
    text = stream.read(length).decode("latin-1")
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise _RefusedError("its header cannot be read") from None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise _RefusedError("its header is not numpy's")
    return fields, 8 + width + length


def _npy_dtype(descr: object, kinds: str) -> np.dtype[Any]:
    if not isinstance(descr, str):
        raise _RefusedError("it holds records, not plain numbers")
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError, SyntaxError):
        raise _RefusedError(f"its dtype '{display_name(descr[:40])}' is unknown") from None
    if dtype.hasobject:
        raise _RefusedError("it holds Python objects (a pickle), and a pickle runs code when it is read")
    if dtype.kind not in kinds or dtype.itemsize == 0:
        wanted = ", ".join(_KIND_NAMES.get(kind, kind) for kind in kinds)
        raise _RefusedError(f"its dtype is {dtype}, expected {wanted}")
    return dtype


def _read_array(stream: IO[bytes], header: _NpyHeader) -> npt.NDArray[Any]:
    flat = np.empty(math.prod(header.shape), header.dtype)
    view, filled = flat.view(np.uint8).data, 0
    while filled < len(view):
        block = stream.read(min(len(view) - filled, 1 << 24))
        if not block:
            raise _RefusedError(f"it is cut off after {filled:,} of {len(view):,} bytes")
        view[filled : filled + len(block)] = block
        filled += len(block)
    order: Any = header.order
    return flat.reshape(header.shape, order=order)


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def load_npz(
    path: Path,
    *,
    kinds: str = "biuf",
    max_bytes: int = MAX_NPZ_BYTES,
    max_members: int = MAX_NPZ_MEMBERS,
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an `.npz` file by name.

    Parameters
    ----------
    path : Path
    kinds : str
        See `load_npy`.
    max_bytes : int
        Cap on the unpacked bytes of all members together; an archive that grows more than a
        hundredfold beyond 256 MiB is refused as well.
    max_members : int
        Cap on the number of arrays.

    Raises
    ------
    BadInput
        When it is no such archive, a cap is passed, or a member is no plain array.
    """
    do = "save it again with numpy.savez, plain arrays only"
    with (
        _reading(path, do, *_ZIP_ERRORS, MemoryError, OverflowError),
        _opened(path, max_bytes) as (stream, size),
        zipfile.ZipFile(stream) as archive,
    ):
        _check_zip(archive, size, max_bytes, max_members)
        return {
            info.filename.removesuffix(".npy"): _npz_member(archive, info, kinds)
            for info in archive.infolist()
        }


def _check_zip(archive: zipfile.ZipFile, size: int, max_bytes: int, max_members: int) -> None:
    """Hold the archive's index against the caps; zipfile never unpacks more than the index says."""
    members = archive.infolist()
    if not members:
        raise _RefusedError("the archive is empty")
    if len(members) > max_members:
        raise _RefusedError(f"it has {len(members):,} members, the limit is {max_members:,}")
    if len({info.filename for info in members}) < len(members):
        raise _RefusedError("it has two members of one name")
    for info in members:
        _check_member_name(info.filename)
        if info.flag_bits & 1:
            raise _RefusedError(f"its member '{display_name(info.filename)}' is encrypted")
    unpacked = sum(info.file_size for info in members)
    limit = min(max_bytes, max(_UNPACK_FREE_BYTES, size * _UNPACK_RATIO))
    if unpacked > limit:
        raise _RefusedError(
            f"its {size:,} bytes unpack to {unpacked:,}, the limit is {limit:,} (a zip bomb?)"
        )


def _npz_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kinds: str) -> npt.NDArray[Any]:
    try:
        with archive.open(info) as stream:
            return _read_array(stream, _npy_header(stream, info.file_size, kinds, None))
    except _RefusedError as refusal:
        raise _RefusedError(f"member '{display_name(info.filename)}': {refusal}") from None


# --- text ---------------------------------------------------------------------------------------


def load_json(path: Path, max_bytes: int = MAX_JSON_BYTES, *, allow_nan: bool = False) -> Any:
    """Return the value of a JSON file.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Larger files are refused.
    allow_nan : bool
        Take NaN and infinities, which are not JSON but which Python and some tools write.

    Raises
    ------
    BadInput
        When it is not UTF-8 JSON, a key stands twice in one object, a number is not finite, or it
        is nested deeper than 64.
    """
    with _reading(path, "correct the JSON"):
        text = _text(path, max_bytes)
        try:
            value = json.loads(text, object_pairs_hook=_unique_keys)
        except (ValueError, RecursionError) as error:
            raise _RefusedError(f"it is not JSON ({_said(error)})") from None
        _check_value(value, allow_nan)
        return value


def load_toml(path: Path, max_bytes: int = MAX_TOML_BYTES, *, allow_nan: bool = False) -> dict[str, Any]:
    """Return the table of a TOML file; the refusals are those of `load_json`."""
    with _reading(path, "correct the TOML"):
        text = _text(path, max_bytes)
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise _RefusedError(f"it is not TOML ({_said(error)})") from None
        _check_value(table, allow_nan)
        return table


def _text(path: Path, max_bytes: int) -> str:
    with _opened(path, max_bytes) as (stream, size):
        data = stream.read(size)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _RefusedError(f"it is not UTF-8 text (byte {error.start})") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The last of two equal keys wins in Python, the first elsewhere: what one tool checks is then
    # not what another uses.
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key '{display_name(twice)}' stands twice in one object")
    return table


def _check_value(value: Any, allow_nan: bool) -> None:
    """Refuse deep nesting and, unless allowed, numbers that are not finite (`1e999` is one too)."""
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise _RefusedError(f"it is nested deeper than {MAX_DEPTH}")
        if isinstance(item, dict):
            todo.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            todo.extend((inner, depth + 1) for inner in item)
        elif isinstance(item, float) and not allow_nan and not math.isfinite(item):
            raise _RefusedError(f"it holds a number that is not finite ({item})")


# --- archives -----------------------------------------------------------------------------------

_TAR_ERRORS = (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError, RecursionError)
_MAX_TAR_READ_BYTES = 4 << 20
_TAR_HEADER_BYTES = 4096


class _CappedStream:
    """The unpacked bytes of a tar, of which no more than `max_bytes` are ever produced.

    tarfile reads an extended header into memory in one piece, however long it claims to be; no
    honest one comes near the cap on a single read.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream, self._max_bytes = stream, max_bytes

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_TAR_READ_BYTES:
            raise _RefusedError(f"a header in it claims {size:,} bytes")
        self._check(self.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._max_bytes:
            raise _RefusedError(f"it unpacks to more than {self._max_bytes:,} bytes")


def extract_tar(
    path: Path,
    dest: Path,
    *,
    max_bytes: int = MAX_TAR_BYTES,
    max_members: int = MAX_TAR_MEMBERS,
) -> list[Path]:
    """Unpack a `.tar` or `.tar.gz` of plain files and folders into a new folder.

    Every member is checked before the first is written, and `dest` appears whole or not at all.

    Parameters
    ----------
    path : Path
    dest : Path
        Must be missing or empty.
    max_bytes, max_members : int
        Caps on the unpacked size and on the number of members.

    Returns
    -------
    list of Path
        The files, in the archive's order.

    Raises
    ------
    BadInput
        When it is no such archive, a cap is passed, two members have one name, or a member is
        absolute, climbs out, or is a link (also one that stays inside), device or pipe.
    """
    do = "pack it again from plain files, as .tar or .tar.gz"
    with _reading(path, do, *_TAR_ERRORS):
        if dest.exists() and any(dest.iterdir()):
            raise _RefusedError(f"the folder it should go to, {dest}, is not empty")
        with _opened(path, max_bytes) as (packed, _), _open_tar(packed, max_bytes, max_members) as archive:
            names = _check_tar(archive, max_bytes, max_members)
            dest.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{dest.name}.", dir=dest.parent) as scratch:
                whole = Path(scratch) / "whole"
                archive.extractall(whole, filter="data")
                whole.replace(dest)
    return [dest / name for name in names]


@contextmanager
def _open_tar(packed: BinaryIO, max_bytes: int, max_members: int) -> Iterator[tarfile.TarFile]:
    gzipped = packed.read(2) == b"\x1f\x8b"
    packed.seek(0)
    plain = cast(IO[bytes], GzipFile(fileobj=packed, mode="rb")) if gzipped else packed
    capped = cast(IO[bytes], _CappedStream(plain, max_bytes + max_members * _TAR_HEADER_BYTES))
    with tarfile.open(fileobj=capped, mode="r:") as archive:
        yield archive


def _check_tar(archive: tarfile.TarFile, max_bytes: int, max_members: int) -> list[str]:
    """Return the names of the files; raises at the first member that is not taken."""
    seen: set[str] = set()
    files: list[str] = []
    total = 0
    for member in archive:
        _check_tar_member(member)
        key = PurePosixPath(member.name).as_posix().casefold()
        if key in seen:
            raise _RefusedError(f"two members have the name '{display_name(member.name)}'")
        seen.add(key)
        total += member.size
        if total > max_bytes or len(seen) > max_members:
            limits = f"the limits are {max_bytes:,} and {max_members:,}"
            raise _RefusedError(f"it holds {total:,} bytes or more in {len(seen):,} members, {limits}")
        if member.isfile():
            files.append(member.name)
    if not files:
        raise _RefusedError("it holds no file")
    return files


def _check_tar_member(member: tarfile.TarInfo) -> None:
    if member.name not in (".", "./"):
        _check_member_name(member.name)
    shown = display_name(member.name)
    if member.issym() or member.islnk():
        # Chained links have got past the standard library's own filter more than once.
        raise _RefusedError(f"its member '{shown}' is a link to '{display_name(member.linkname)}'")
    if not (member.isfile() or member.isdir()) or member.issparse():
        raise _RefusedError(f"its member '{shown}' is a device, pipe or sparse file")


def load_keras_model(
    path: Path,
    sha256: str | None = None,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compiled: bool = False,
    max_bytes: int = MAX_MODEL_BYTES,
) -> Any:
    """Load a `.keras` model in safe mode: it may not bring code of its own.

    The bytes that were checked are the bytes that are loaded, from a private copy.

    Parameters
    ----------
    path : Path
    sha256 : str, optional
        The digest the file must have; it is compared before Keras is even imported.
    custom_objects : mapping, optional
        Classes of ours that the model may name.
    compiled : bool
        Also restore optimizer and loss.
    max_bytes : int
        Cap on the file and on what it unpacks to.

    Returns
    -------
    keras.Model

    Raises
    ------
    IntegrityError
        When the digest is another.
    BadInput
        When it is no `.keras` archive, a cap is passed, or Keras refuses it.
    """
    data = read_bytes(path, max_bytes)
    if sha256 is not None and sha256_bytes(data) != sha256:
        why = f"its sha256 is {sha256_bytes(data)}, expected {sha256}"
        raise IntegrityError(f"{display_name(path)} is not the model it should be", why, "fetch it again")
    do = "save it with model.save('model.keras') from standard layers"
    with _reading(path, do, *_ZIP_ERRORS):
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_zip(archive, len(data), max_bytes, MAX_TAR_MEMBERS)
            if not {"config.json", "model.weights.h5"} <= set(archive.namelist()):
                raise _RefusedError("it is a zip archive, but not a Keras model (.keras)")
        return _load_keras_copy(data, custom_objects, compiled)


def _load_keras_copy(data: bytes, custom_objects: Mapping[str, Any] | None, compiled: bool) -> Any:
    # Imported here: TensorFlow takes 6 s and more, and most callers never load a model.
    keras: Any = importlib.import_module("keras")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"
        copy.write_bytes(data)
        try:
            return keras.models.load_model(
                copy, custom_objects=dict(custom_objects or {}), compile=compiled, safe_mode=True
            )
        except Exception as error:  # a foreign model description may break its reader anywhere
            reason = _said(error).replace(str(copy), "the model")
            raise _RefusedError(f"Keras does not take it ({reason[:400]})") from error


# --- writing ------------------------------------------------------------------------------------


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a machine that dies, sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows cannot open a folder; there the rename alone has to do
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json_atomic(path: Path, value: Any) -> None:
    """Write a value as indented JSON with sorted keys, in one piece.

    Raises
    ------
    ValueError
        If the value holds NaN or an infinity, which JSON cannot carry.
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes_atomic(path, text.encode() + b"\n")
