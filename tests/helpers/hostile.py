"""Builders of hostile and awkward files: each returns the bytes or writes the file it is named for.

Nothing here is harmful to the machine that builds it; the harm is what a careless reader would do.
`refusal` tells how a reader refuses one.
"""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from boomerang.errors import BadInput

MARK = "BOOMERANG_PICKLE_RAN"


class Exploit:
    """Unpickling this sets an environment variable: the mark that foreign code ran."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.putenv, (MARK, "1")


def refusal(read: Callable[..., Any], path: Path, *args: Any, **options: Any) -> str:
    """Return why `read` refuses the file; it names the file and says what to do."""
    with pytest.raises(BadInput) as caught:
        read(path, *args, **options)
    assert path.name in caught.value.what
    assert caught.value.do
    return caught.value.why


# --- pictures -----------------------------------------------------------------------------------


def picture(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """Return a smooth RGB picture that survives JPEG well."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the picture in a file format."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, color: int, data: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of any header and any compressed data; `extra` chunks go before the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_bomb() -> bytes:
    """Return some 100 kB that unpack to 10,000 x 10,000 pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + 10_000 // 8)
    data = b"".join(packer.compress(row * 100) for _ in range(100)) + packer.flush()
    return png(10_000, 10_000, 1, 0, data)


def png_claim() -> bytes:
    """Return a PNG whose header claims 2^31-1 pixels a side."""
    return png(2**31 - 1, 2**31 - 1, 8, 2, b"")


def png_text_bomb() -> bytes:
    """Return a small picture with a text chunk that unpacks to 8 MB."""
    text = b"Comment\0\0" + zlib.compress(bytes(8_000_000), 9)
    return png(1, 1, 8, 2, zlib.compress(b"\0\1\2\3"), (b"zTXt", text))


def png_gray16_keyed(values: Sequence[int], key: int) -> bytes:
    """Return a one-line 16-bit gray PNG in which the value `key` is transparent."""
    row = b"\0" + b"".join(struct.pack(">H", value) for value in values)
    return png(len(values), 1, 16, 0, zlib.compress(row), (b"tRNS", struct.pack(">H", key)))


def webp_claim() -> bytes:
    """Return a WebP header that claims a canvas of 16,383 x 16,383 pixels and holds none."""
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + (16_382).to_bytes(3, "little") * 2
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_many_scans(scans: int = 5000) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    data = encoded(picture(64, 64), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def jpeg_with_bad_exif() -> bytes:
    """Return a sound JPEG whose EXIF block is cut off and points outside itself."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\xff\xff\xff\xff\x06\0\0\0"
    return encoded(picture(), "JPEG", exif=exif)


def renamed() -> dict[str, bytes]:
    """Return foreign formats to be stored under a picture's suffix, with a word the refusal has."""
    return {
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "XML": b'<?xml version="1.0"?><!DOCTYPE svg><svg/>',
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "Windows program": b"MZ" + bytes(200),
        "program": b"\x7fELF" + bytes(200),
        "HEIC": b"\0\0\0\x18ftypheic" + bytes(50),
        "a HEIC": b"\0\0\0\x18ftypmif1" + bytes(50),
        "AVIF": b"\0\0\0\x18ftypavif" + bytes(50),
        "film": b"\0\0\0\x18ftypisom" + bytes(50),
        "BigTIFF": b"II+\0\x08\0\0\0" + bytes(50),
        "zip": b"PK\x03\x04" + bytes(50),
        "not a JPEG": b"just text, no picture",
    }


def tiff(*tags: tuple[int, int, int, int], more: int = 0, body: bytes = b"") -> bytes:
    """Return a TIFF of one directory of tags (tag, type, count, value or offset), and bytes behind it."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + struct.pack("<I", more) + body


def tiff_of_one_value(tags: int = 200, megabytes: int = 8) -> bytes:
    """Return a TIFF whose tags all claim the one same stretch of the file."""
    size = [(256, 4, 1, 8), (257, 4, 1, 8)]
    many = [(40_000 + number, 1, megabytes << 20, 8) for number in range(tags)]
    return tiff(*size, *many, body=bytes(megabytes << 20))


def gif_of_comment(megabytes: int = 32) -> bytes:
    """Return a GIF with a long comment before its frame."""
    sound = encoded(picture(8, 8), "GIF")
    at = 13 + 3 * (2 << (sound[10] & 7))
    comment = b"!\xfe" + (b"\xff" + bytes(255)) * (megabytes << 12) + b"\0"
    return sound[:at] + comment + sound[at:]


# --- arrays -------------------------------------------------------------------------------------


def npy(array: Any, *, allow_pickle: bool = False) -> bytes:
    """Return an array as `.npy`."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def npy_pickle() -> bytes:
    """Return an `.npy` whose object array runs code when it is unpickled."""
    return npy(np.array([Exploit()], dtype=object), allow_pickle=True)


def npy_header(text: str, data: bytes = b"", version: int = 1) -> bytes:
    """Return an `.npy` with any text as its header."""
    body = text.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(body))
    return b"\x93NUMPY" + bytes([version, 0]) + length + body + data


def npy_claiming(shape: str, descr: str = "'|u1'", data: bytes = bytes(8)) -> bytes:
    """Return an `.npy` whose header claims any shape and dtype over a few bytes of data."""
    return npy_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n", data)


def zipped(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of members in order, equal names allowed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # equal names are the point
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return stream.getvalue()


@cache
def npz_bomb(megabytes: int = 260) -> bytes:
    """Return an `.npz` of one array of zeros, a thousandth of its unpacked size."""
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("x.npy", "w") as member:
        member.write(npy_claiming(f"({megabytes << 20},)", data=b""))
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return stream.getvalue()


def npz_lying() -> bytes:
    """Return an `.npz` whose index says a member is smaller than it is."""
    data = npy(np.zeros(10_000, np.uint8))
    packed = bytearray(zipped([("x.npy", data)]))
    small = struct.pack("<I", 200)
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = packed.index(signature) + at
        packed[start : start + 4] = small
    return bytes(packed)


def npz_encrypted() -> bytes:
    """Return an `.npz` whose member says it is encrypted."""
    packed = bytearray(zipped([("x.npy", npy(np.zeros(3)))]))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + at] |= 1
    return bytes(packed)


# --- archives -----------------------------------------------------------------------------------


def tar_of(*members: tuple[tarfile.TarInfo, bytes], gzipped: bool = False) -> bytes:
    """Return a tar of any members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz" if gzipped else "w") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def tar_file(name: str, data: bytes = b"data") -> tuple[tarfile.TarInfo, bytes]:
    """Return a plain member."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def tar_special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """Return a link, device or pipe."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.devmajor, info.devminor = kind, target, 1, 3
    return info, b""


def tar_huge_member() -> bytes:
    """Return a tar whose one member claims 10 TB."""
    info = tarfile.TarInfo("huge.bin")
    info.size = 10**13
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240)


def tar_gz_bomb(megabytes: int = 20) -> bytes:
    """Return a `.tar.gz` of one file of zeros."""
    return _gzip_zeros("zeros.bin", tarfile.REGTYPE, megabytes)


def tar_header_bomb(megabytes: int = 20) -> bytes:
    """Return a `.tar.gz` with an extended header of zeros that tarfile would read in one piece."""
    return _gzip_zeros("header", tarfile.XHDTYPE, megabytes)


def _gzip_zeros(name: str, kind: bytes, megabytes: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, megabytes << 20
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1) as packed:
        packed.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(megabytes):
            packed.write(bytes(1 << 20))
        packed.write(bytes(1024))
    return stream.getvalue()


# --- any ----------------------------------------------------------------------------------------


def pickled() -> bytes:
    """Return a bare pickle that runs code."""
    return pickle.dumps(Exploit())


def noise(count: int, seed: int = 0) -> bytes:
    """Return bytes without meaning."""
    return random.Random(seed).randbytes(count)


def huge_sparse(path: Path, count: int = 1 << 40) -> Path:
    """Write a file that says it has a terabyte and takes no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(count)
    return path
