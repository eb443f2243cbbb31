"""Picture files by their own bytes: what format one is, and what no decoder of it is given.

Pillow's decoders are handed foreign bytes only after what those claim has been held against caps, where a
header is enough to read it, and with what made some decoder slow or greedy cut away.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from boomerang.safeio.files import RefusedError

MAX_SIDE_PX = 65_535
MAX_JPEG_SCANS = 100
PICTURE_FORMATS = "JPEG, PNG, WebP, TIFF, BMP, GIF or PPM"
# So many of a file's first bytes tell what it is.
HEAD_BYTES = 64

# Each scan is a pass over every pixel; a photograph has about ten.
_MAX_SCANNED_PX = 1_500_000_000
# Their decoders hold what they decode several times: half a gigabyte of memory.
_MAX_GREEDY_PX = 24_000_000
_MAX_HEADER_BYTES = 64 << 10
# A number in text costs half a microsecond.
_MAX_PLAIN_BYTES = 4 << 20
_MAX_TAGS, _MAX_TAG_BYTES = 512, 16 << 20

Kind = type[ImageFile.ImageFile]

_KNOWN: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"GIF87a", GifImageFile),
    (b"GIF89a", GifImageFile),
    (b"BM", BmpImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
)
_FOREIGN = (
    (b"ftypavi", 4, "an AVIF picture"),
    *((b"ftyp" + brand, 4, "a HEIC picture") for brand in (b"he", b"mif1", b"msf1")),
    (b"ftyp", 4, "a film, or a picture of a camera's own kind"),
    (b"II+\0", 0, "a BigTIFF"),
    (b"MM\0+", 0, "a BigTIFF"),
    (b"\0\0\0\x0cjP  ", 0, "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", 0, "a JPEG XL picture"),
    (b"\xff\x0a", 0, "a JPEG XL picture"),
    (b"8BPS", 0, "a Photoshop document"),
    (b"<svg", 0, "an SVG"),
    (b"<?xml", 0, "an XML document"),
    (b"%PDF", 0, "a PDF"),
    (b"%!PS", 0, "a PostScript program"),
    (b"MZ", 0, "a Windows program"),
    (b"\x7fELF", 0, "a program"),
    (b"PK\x03\x04", 0, "a zip archive"),
)


def told(head: bytes) -> Kind:
    """Return the one decoder for a file by its first `HEAD_BYTES`; no other of Pillow's ever sees it.

    Raises
    ------
    RefusedError
        If it is of another format, which is named where it is known.
    """
    for magic, kind in _KNOWN:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImageFile
    if re.match(rb"P[1-6][\s#]", head):
        return PpmImageFile
    start = head[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, at, what in _FOREIGN:
        if magic in (head[at : at + len(magic)], start[at : at + len(magic)]):
            raise RefusedError(f"it is {what} by its content, not a {PICTURE_FORMATS}")
    raise RefusedError(f"its content is not a {PICTURE_FORMATS}")


class Checked(NamedTuple):
    """What a decoder may be given, and whether the file holds further frames or pages, which it is not."""

    data: bytes
    several: bool = False


def checked(kind: Kind, data: bytes, max_pixels: int) -> Checked:
    """Hold a file against caps by its header, before its decoder opens it; raises RefusedError."""
    if kind is WebPImageFile:
        # Its decoder allocates the canvas while it opens.
        check_pixels(_webp_size(data), min(max_pixels, _MAX_GREEDY_PX))
    elif kind is GifImageFile:
        return _first_frame(data)
    elif kind is TiffImageFile:
        return Checked(data, _check_tiff(data, min(max_pixels, _MAX_GREEDY_PX)))
    elif kind is PpmImageFile:
        return Checked(_checked_ppm(data, max_pixels))
    elif kind is BmpImageFile:
        _check_bmp(data, min(max_pixels, _MAX_GREEDY_PX))
    return Checked(data)


def check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a picture of too many pixels, or too long a side."""
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE_PX:
        limit = f"the limit is {max_pixels:,} pixels, {MAX_SIDE_PX:,} a side"
        raise RefusedError(f"it has {width} x {height} = {width * height:,} pixels, {limit}")


def check_scans(data: bytes, pixels: int) -> None:
    """Refuse a JPEG of very many scans: each is a pass over every pixel for a few bytes of file."""
    most = min(MAX_JPEG_SCANS, _MAX_SCANNED_PX // max(pixels, 1))
    marker = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
    scans, at = 0, 2
    while found := marker.search(data, at):
        at, code = found.end(), found.group()[1]
        if code == 0xD9:
            return
        if code not in (0x01, 0xD8):
            at += int.from_bytes(data[at : at + 2], "big")
        scans += code == 0xDA
        if scans > most:
            raise RefusedError(f"it has more than {most} scans, which only serves to stall a reader")


def _cut_off() -> RefusedError:
    return RefusedError("it is damaged or cut off within its header")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from a WebP header (RFC 9649, sections 2.5 to 2.7)."""
    chunk = data[12:16]
    if len(data) < 30:
        raise _cut_off()
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _check_bmp(data: bytes, max_pixels: int) -> None:
    """Check a BMP of run lengths, which Pillow decodes in Python; bytes 30 to 33 say whether it is one."""
    if len(data) < 34:
        raise _cut_off()
    header, width, height = struct.unpack_from("<Iii", data, 14)
    if header >= 40 and int.from_bytes(data[30:34], "little") in (1, 2):
        check_pixels((abs(width), abs(height)), max_pixels)


def _checked_ppm(data: bytes, max_pixels: int) -> bytes:
    """Check the header of a PPM, PGM or PBM; of one in text, return it without its comments.

    Pillow reads comments a byte at a time, and takes the square of their number out of the numbers.
    """
    gap, number = rb"(?:\s|#[^\r\n]*+[\r\n])++", rb"(\d{1,9})(?=[\s#])"
    bitmap = data[1:2] in b"14"
    header = rb"P[1-6]" + gap + number + gap + number + (b"" if bitmap else gap + number)
    found = re.match(header, data[:_MAX_HEADER_BYTES])
    if found is None:
        raise _cut_off()
    check_pixels((int(found[1]), int(found[2])), max_pixels)
    if data[1:2] not in b"123":
        return data
    if len(data) > _MAX_PLAIN_BYTES:
        why = f"its pixels are {len(data):,} bytes of text, the limit is {_MAX_PLAIN_BYTES:,}"
        raise RefusedError(f"{why}: save it as P4, P5 or P6")
    return re.sub(rb"#[^\r\n]*+", b"", data)


def _first_frame(data: bytes) -> Checked:
    """Return a GIF cut to its first frame (GIF89a, sections 18 to 27).

    Its comments and further frames are never read: Pillow takes the square of the length of a comment.
    """
    try:
        at = 13 + _palette_bytes(data[10])
        header, control = data[:at], b""
        while data[at] == ord("!"):
            stop = _blocks_end(data, at + 2)
            if data[at + 1] == 0xF9 and stop - at == 8:
                control = data[at:stop]
            at = stop
        if data[at] != ord(","):
            raise RefusedError("it is damaged or cut off (there is no frame in it)")
        stop = _blocks_end(data, at + 10 + _palette_bytes(data[at + 9]) + 1)
    except IndexError:
        raise RefusedError("it is damaged or cut off (its first frame has no end)") from None
    return Checked(header + control + data[at:stop] + b";", _has_frame(data, stop))


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: bytes, at: int) -> int:
    """Return where a chain of GIF's blocks ends: each has its length before it, and the last has none."""
    while data[at]:
        at += data[at] + 1
    return at + 1


def _has_frame(data: bytes, at: int) -> bool:
    try:
        while data[at] == ord("!"):
            at = _blocks_end(data, at + 2)
        return data[at] == ord(",")
    except IndexError:
        return False


# Bytes of a value, by the type of a tag; and the tags that are looked at (TIFF 6.0, DNG 1.7).
_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_SUBFILE, _WIDTH, _HEIGHT, _TILE_WIDTH, _TILE_HEIGHT = 254, 256, 257, 322, 323
_SUB_DIRECTORIES = (34665, 34853, 40965)
_DNG_VERSION = 50706


def _check_tiff(data: bytes, max_pixels: int) -> bool:
    """Check the first page of a TIFF; return whether there are more.

    Pillow copies every tag's value, which may all be one and the same stretch of the file.
    """
    order = "<" if data[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        tags, size, following = _directory(data, order, start)
        inner = [tags[tag] for tag in _SUB_DIRECTORIES if tag in tags]
        for at in inner:
            more, bytes_, _ = _directory(data, order, at)
            size += bytes_
            inner += [more[tag] for tag in _SUB_DIRECTORIES if tag in more and len(inner) < _MAX_TAGS]
    except struct.error:
        raise _cut_off() from None
    if size > min(len(data), _MAX_TAG_BYTES):
        raise RefusedError(f"its tags claim {size:,} bytes of its {len(data):,}")
    check_pixels((tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)), max_pixels)
    check_pixels((tags.get(_TILE_WIDTH, 0), tags.get(_TILE_HEIGHT, 0)), max_pixels)
    if data[8:10] == b"CR" or _DNG_VERSION in tags or tags.get(_SUBFILE, 0) & 1:
        why = "it is a camera's raw file, or its first page is but a thumbnail"
        raise RefusedError(f"{why}: save the picture as JPEG or TIFF")
    return bool(following)


def _directory(data: bytes, order: str, at: int) -> tuple[dict[int, int], int, int]:
    """Return the first value of the tags of whole numbers, what all values claim, and the next directory.

    Raises
    ------
    struct.error
        If the file ends before it.
    """
    (count,) = struct.unpack_from(f"{order}H", data, at)
    if count > _MAX_TAGS:
        raise RefusedError(f"it has {count:,} tags, the limit is {_MAX_TAGS}")
    tags, claimed = {}, 0
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, place)
        size = length * _TIFF_BYTES.get(kind, 1)
        claimed += size if size > 4 else 0
        if length == 1 and kind in (3, 4, 13):
            (tags[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, place + 8)
        elif tag == _DNG_VERSION:
            tags[tag] = 1
    (following,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
    return tags, claimed, following
