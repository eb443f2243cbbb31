"""Hostile files, sixty and more, each with the reader that a command or a step gives it to.

    python -m helpers.hostile_cases [NAME ...]

writes each into a folder of its own, reads it in a process of its own and says, a line of JSON a case, how it
was refused and what that took. The readers are imported once and the processes forked, so that what is
measured is the reading. TensorFlow is not imported before, so a refusal that needed it would take too long.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import socket
import struct
import sys
import tarfile
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import from_hyperparameters
from boomerang.errors import BoomerangError
from boomerang.formats.model import verified
from boomerang.manifest import opened, read_manifest, write_dataset
from boomerang.safeio import extract_tar, load_json, load_keras_model, load_npy
from boomerang.settings import TrainSettings
from boomerang.watching.history import read_history
from helpers import hostile
from pipelines.campaign.entry import load
from processing.attacks.common.trigger_images import load_image
from processing.datasets.common.base import Source
from processing.datasets.common.corpus import Request
from processing.datasets.folder import Folder
from processing.datasets.npy import Npy
from processing.datasets.npz import Npz
from processing.datasets.table import PictureTable
from processing.pictures.resize_folder import resize_folder
from processing.sharing.tasks import alone

# What no refusal may take, and how long a hanging one is waited for.
SECONDS, MEGABYTES = 2.0, 512
_PATIENCE_S = 40


@dataclass(frozen=True)
class Case:
    """A hostile file.

    Attributes
    ----------
    name : str
    make : callable
        Writes it, with what lies beside it, into an empty folder.
    read : callable
        Reads the folder as Boomerang does.
    said : str
        What the refusal says, besides a name.
    """

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    said: str


def each(
    read: Callable[[Path], object], name: str, cases: Mapping[str, tuple[Callable[[], bytes], str]]
) -> list[Case]:
    """Return cases that are one file of one name, read in one way: its content, and what is said of it."""
    return [Case(case, file(name, build), reading(read, name), said) for case, (build, said) in cases.items()]


def file(name: str, build: Callable[[], bytes]) -> Callable[[Path], object]:
    """Return what writes one file of that name."""
    return lambda folder: (folder / name).write_bytes(build())


def reading(read: Callable[[Path], object], name: str) -> Callable[[Path], object]:
    """Return what reads one file of that name."""
    return lambda folder: read(folder / name)


# ---- readers: what a step or a command does with what it was given


def source(kind: type[Source]) -> Callable[[Path], object]:
    """Return what Preprocess does with the folder of `data.path`."""
    return lambda folder: kind().blueprint(Request(folder)).build(alone)


npy, npz, pictures, tabled = source(Npy), source(Npz), source(Folder), source(PictureTable)


def resized(folder: Path) -> None:
    """Do what `resize_images.py --strict` does with a folder."""
    resize_folder(folder, folder.with_name(f"{folder.name}-out"), strict=True)


def hyperparameters(folder: Path) -> None:
    """Do what a training job does with its hyperparameters."""
    from_hyperparameters(TrainSettings, load_json(folder / "hyperparameters.json"))


def model(folder: Path) -> None:
    """Do what a step does with a model that it was given."""
    with verified(folder) as (path, _):
        load_keras_model(path)


# ---- JSON and TOML


def many_keys(twice: int = 60_000) -> bytes:
    """Return one object of many keys of which the last stands twice."""
    keys = [f'"k{number}": 0' for number in range(twice)]
    return f"{{{', '.join([*keys, keys[-1]])}}}".encode()


def dotted(parts: int = 100_000) -> bytes:
    """Return TOML with a key of many parts."""
    return b"a" + b".a" * parts + b" = 1\n"


def hyper_dotted(parts: int = 30_000) -> bytes:
    """Return hyperparameters whose one key has many parts."""
    return json.dumps({"train" + ".a" * parts: "1"}).encode()


def entry(path: Path) -> None:
    """Do what every command does with the name of an entry."""
    load(str(path))


JSON = {
    "json-key-twice": (many_keys, "stands twice"),
    "json-deep": (lambda: b'{"a":' * 10**6, "JSON"),
    "json-lists": (lambda: b"[" + b"[]," * 10**7 + b"[]]", "values"),
    "json-objects": (lambda: b"[" + b'{"a":{}},' * 3 * 10**6 + b"0]", "values"),
    "json-digits": (lambda: b"9" * 10**6, "digits"),
    "json-digits-few": (lambda: b"9" * 4000, "digits"),
    "json-nan": (lambda: b"[NaN]", "not finite"),
    "json-infinite": (lambda: b"[1e99999]", "not finite"),
    "json-surrogate": (lambda: b'{"a": "\\ud800"}', "surrogate"),
}
TOML = {
    "toml-dotted": (dotted, "parts"),
    "toml-dotted-table": (lambda: b"[a" + b" . 'a'" * 30_000 + b"]\n", "parts"),
    "toml-deep": (lambda: b"a = " + b"[" * 200_000, "TOML"),
    "toml-digits": (lambda: b"a = " + b"9" * 10**5, "TOML"),
    "toml-hex": (lambda: b"seed = 0x" + b"f" * 10**5, "digits"),
    "toml-key-twice": (lambda: b"a=1\n" * 2, "TOML"),
    "toml-long": (lambda: b"".join(b"k%d=1\n" % k for k in range(10**5)), "limit"),
}
TEXTS = [
    *each(load_json, "x.json", JSON),
    *each(entry, "x.toml", TOML),
    Case("json-sparse", lambda f: hostile.huge_sparse(f / "x.json"), reading(load_json, "x.json"), "limit"),
    Case("hyperparameters", file("hyperparameters.json", hyper_dotted), hyperparameters, "parts"),
]


# ---- what is no file, or endless


def fifo(name: str) -> Callable[[Path], object]:
    """Return what makes a pipe that nobody writes to."""
    return lambda folder: os.mkfifo(folder / name)


def link(name: str, target: str) -> Callable[[Path], object]:
    """Return what makes a link."""
    return lambda folder: (folder / name).symlink_to(target)


def listening(folder: Path) -> None:
    """Leave a socket, under a name that is short enough for one."""
    here = Path.cwd()
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("x.json")
    os.chdir(here)


def manifest_of_lists() -> bytes:
    """Return a manifest with ten million lists in its recipe."""
    return b'{"name":"x","recipe":{"a":[' + b"[]," * 10**7 + b"0]}}"


def endless_folder(name: str) -> Callable[[Path], object]:
    """Return what makes a committed dataset of which one file is a terabyte of nothing."""

    def make(folder: Path) -> None:
        write_dataset(folder, np.zeros((2, 4, 4, 1), np.uint8), np.arange(2), name="x", classes=("a", "b"))
        hostile.huge_sparse(folder / name)

    return make


history = reading(read_history, "metrics.jsonl")

SPECIAL = [
    Case("manifest-fifo", fifo("manifest.json"), read_manifest, "pipe"),
    Case("manifest-zero", link("manifest.json", "/dev/zero"), read_manifest, "device"),
    Case("manifest-loop", link("manifest.json", "manifest.json"), read_manifest, "link"),
    Case("manifest-sparse", lambda f: hostile.huge_sparse(f / "manifest.json"), read_manifest, "limit"),
    Case("manifest-deep", file("manifest.json", lambda: b"[" * 10**6), read_manifest, "malformed"),
    Case("manifest-lists", file("manifest.json", manifest_of_lists), read_manifest, "values"),
    Case("dataset-sparse", endless_folder("x.npy"), opened, "changed"),
    Case("dataset-more", endless_folder("more.npy"), opened, "not in the manifest"),
    Case("history-fifo", fifo("metrics.jsonl"), history, "pipe"),
    Case("history-zero", link("metrics.jsonl", "/dev/zero"), history, "device"),
    Case("history-deep", file("metrics.jsonl", lambda: b"[" * 10**5 + b"\n"), history, "no datum"),
    Case("json-socket", listening, reading(load_json, "x.json"), "socket"),
    Case("json-folder", lambda f: (f / "x.json").mkdir(), reading(load_json, "x.json"), "folder"),
]


# ---- arrays


def arrays(**given: Any) -> Callable[[Path], object]:
    """Return what saves an `.npz` of Keras' layout, some of its arrays others than usual."""
    usual = {
        "x_train": np.arange(8 * 12, dtype=np.uint8).reshape(8, 2, 2, 3),
        "y_train": np.arange(8) % 2,
        "x_test": np.arange(100, 100 + 4 * 12, dtype=np.uint8).reshape(4, 2, 2, 3),
        "y_test": np.arange(4) % 2,
    }
    return lambda folder: np.savez(folder / "mine.npz", **usual | given)


def pair(x: bytes, y: bytes) -> Callable[[Path], object]:
    """Return what writes `x.npy` and `y.npy`."""

    def make(folder: Path) -> None:
        (folder / "x.npy").write_bytes(x)
        (folder / "y.npy").write_bytes(y)

    return make


def npz_of_many(count: int = 50_000) -> bytes:
    """Return an `.npz` of very many members."""
    return hostile.zipped([(f"{number}.npy", b"") for number in range(count)], zipfile.ZIP_STORED)


def npz_overlapping(members: int = 26, megabytes: int = 4) -> bytes:
    """Return an `.npz` whose members are all the one same stretch of the file (Fifield 2019)."""
    data = hostile.npy(np.zeros(megabytes << 20, np.uint8))
    packed = hostile.zipped([("0.npy", data)])
    start = packed.index(b"PK\x01\x02")
    end = packed.index(b"PK\x05\x06")
    entry, tail = packed[start:end], bytearray(packed[end:])
    index = b"".join(entry.replace(b"0.npy", b"%c.npy" % (97 + number)) for number in range(members))
    tail[8:12] = struct.pack("<HH", members, members)
    tail[12:20] = struct.pack("<II", len(index), start)
    return packed[:start] + index + bytes(tail)


def npz_zeros(megabytes: int = 250) -> bytes:
    """Return an `.npz` of as many zeros as pass the cap on what an archive grows to."""
    count = (megabytes << 20) // 3072
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x_train.npy", "w") as member:
            member.write(hostile.npy_claiming(f"({count}, 32, 32, 3)", data=b""))
            for _ in range(count):
                member.write(bytes(3072))
        archive.writestr("y_train.npy", hostile.npy(np.arange(count) % 2))
        archive.writestr("x_test.npy", hostile.npy(np.zeros((4, 32, 32, 3), np.uint8)))
        archive.writestr("y_test.npy", hostile.npy(np.arange(4) % 2))
    return out.getvalue()


def twice(name: str, other: str) -> Callable[[], bytes]:
    """Return what makes an `.npz` of two members."""
    return lambda: hostile.zipped([(name, hostile.npy(np.zeros(1))), (other, hostile.npy(np.ones(1)))])


NPY = {
    "npy-product": (lambda: hostile.npy_claiming(f"({2**40}, {2**40})"), "claims"),
    "npy-overflow": (lambda: hostile.npy_claiming(f"({2**32}, {2**32}, 0)", data=b""), "claims"),
    "npy-negative": (lambda: hostile.npy_claiming("(-8,)"), "sizes"),
    "npy-objects": (hostile.npy_pickle, "pickle"),
    "npy-header": (lambda: hostile.npy_header("(" * 60_000), "header"),
    "npy-header-deep": (lambda: hostile.npy_header("(" * 9_000), "header"),
}
NPZ = {
    "npz-bomb": (hostile.npz_bomb, "bomb"),
    "npz-lying": (hostile.npz_lying, "mine.npz"),
    "npz-many": (npz_of_many, "members"),
    "npz-index": (lambda: npz_of_many(90_000), "members"),
    "npz-overlapping": (npz_overlapping, "overlap"),
    "npz-two-of-a-name": (twice("x_train.npy", "x_train.npy"), "x_train.npy"),
    "npz-two-spellings": (twice("x_train.npy", "x_train"), "x_train"),
    "npz-zeros": (npz_zeros, "alike"),
}
X8 = hostile.npy(np.arange(8 * 12, dtype=np.uint8).reshape(8, 2, 2, 3))
ARRAYS = [
    *each(load_npy, "x.npy", NPY),
    *each(lambda path: npz(path.parent), "mine.npz", NPZ),
    Case("npy-sparse", lambda f: hostile.huge_sparse(f / "x.npy"), reading(load_npy, "x.npy"), "limit"),
    Case("npz-label", arrays(y_train=np.array([0, 1] * 3 + [0, -(10**8)])), npz, "y_train"),
    Case("npy-label", pair(X8, hostile.npy(np.array([0] * 7 + [-(10**8)]))), npy, "y.npy"),
    Case("npy-fifo", lambda f: (fifo("x.npy")(f), fifo("y.npy")(f)), npy, "no source reads"),
]


# ---- pictures


def thin_png(width: int = 1, height: int = 60_000) -> bytes:
    """Return a few hundred bytes that are a line of 60,000 pixels."""
    return hostile.png(width, height, 8, 0, zlib.compress(bytes((1 + width) * height), 9))


def flat_png(side: int, color: int) -> bytes:
    """Return a plain PNG of color type 2 (RGB), 4 (gray with alpha) or 6 (RGBA)."""
    row = bytes(1 + side * {2: 3, 4: 2, 6: 4}[color])
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return hostile.png(side, side, 8, color, data)


def flat_jpeg(side: int, scans: int) -> bytes:
    """Return a plain gray progressive JPEG with its last scan repeated."""
    data = hostile.encoded(hostile.Image.new("L", (side, side)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def flat_webp(side: int) -> bytes:
    """Return a plain WebP with transparency."""
    return hostile.encoded(hostile.Image.new("RGBA", (side, side)), "WEBP", lossless=True, method=0)


def gray16(width: int, height: int) -> bytes:
    """Return a plain PNG of 16-bit gray."""
    return hostile.png(width, height, 16, 0, zlib.compress(bytes((1 + 2 * width) * height), 1))


# A tile of 65,000 pixels a side.
TILES = ((322, 4, 1, 65_000), (323, 4, 1, 65_000))


def gif_claim() -> bytes:
    """Return a small GIF whose header claims 65,535 x 65,535 pixels."""
    sound = hostile.encoded(hostile.picture(8, 8), "GIF")
    return sound[:6] + struct.pack("<HH", 65_535, 65_535) + sound[10:]


def flat_tiff() -> bytes:
    """Return a plain TIFF of 36 million pixels in a few kilobytes."""
    return hostile.encoded(hostile.Image.new("L", (6_000, 6_000)), "TIFF", compression="tiff_deflate")


def bmp(width: int, height: int, compression: int = 0) -> bytes:
    """Return the header of a BMP of 8-bit gray, and no pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + bytes(1024)


PNG = {
    "png-thin": (thin_png, "padded"),
    "png-thin-gray16": (lambda: gray16(2, 50_000), "padded"),
    "png-claim": (hostile.png_claim, "pixels"),
    "png-bomb": (hostile.png_bomb, "pixels"),
    "png-flat": (lambda: flat_png(6_100, 6), "pixels"),
    "png-text": (hostile.png_text_bomb, "damaged"),
    "png-cut": (lambda: hostile.encoded(hostile.picture(400, 400))[:3_000], "cut off"),
    "jpeg-scans": (hostile.jpeg_of_many_scans, "scans"),
    "jpeg-flat": (lambda: flat_jpeg(7_900, 90), "scans"),
    "jpeg-cut": (lambda: hostile.encoded(hostile.picture(400, 400), "JPEG")[:900], "cut off"),
    "webp-claim": (hostile.webp_claim, "pixels"),
    "webp-flat": (lambda: flat_webp(5_000), "pixels"),
    "gif-claim": (gif_claim, "pixels"),
    "gif-cut": (lambda: hostile.gif_of_comment(1)[:-40], "cut off"),
    "gif-endless": (lambda: b"GIF89a" + bytes(7) + b"!\xfe" + (b"\xff" * 256) * 100_000, "cut off"),
    "tiff-claim": (lambda: hostile.tiff((256, 4, 1, 2**31), (257, 4, 1, 2**31)), "pixels"),
    "tiff-tile": (lambda: hostile.tiff((256, 4, 1, 8), (257, 4, 1, 8), *TILES), "pixels"),
    "tiff-tags": (hostile.tiff_of_one_value, "tags"),
    "tiff-many": (lambda: hostile.tiff(*[(number, 3, 1, 1) for number in range(60_000)]), "tags"),
    "tiff-thumbnail": (lambda: hostile.tiff((254, 4, 1, 1), (256, 4, 1, 8), (257, 4, 1, 8)), "thumbnail"),
    "tiff-flat": (flat_tiff, "pixels"),
    "tiff-exif": (lambda: hostile.tiff((34665, 4, 1, 8)), "damaged"),
    "tiff-zeros": (lambda: b"II*\0" + bytes(200), "tags"),
    "bmp-claim": (lambda: bmp(60_000, 60_000), "pixels"),
    "bmp-runs": (lambda: bmp(7_900, 7_900, 1), "pixels"),
    "bmp-cut": (lambda: bmp(400, 400), "cut off"),
    "ppm-claim": (lambda: b"P6 60000 60000 255\n", "pixels"),
    "ppm-cut": (lambda: b"P6 6000 6000 255\n", "cut off"),
    "ppm-comment": (lambda: b"P6 #" + b"a" * (64 << 20) + b"\n9 9 255\n", "header"),
    "ppm-comments": (lambda: b"P3 900 900 255\n" + b"#\n" * (1 << 20), "cut off"),
    "pgm-text": (lambda: b"P2 2000 2000 255\n" + b"9 " * 4_000_000, "P6"),
    "pgm-text-cut": (lambda: b"P2 2000 2000 255\n" + b"9 " * 2_000_000, "cut off"),
    "pbm-text": (lambda: b"P1 7000 7000\n" + b"2" * 4_000_000, "damaged"),
}
PICTURES = [
    *each(lambda path: resized(path.parent), "x.png", PNG),
    Case("picture-fifo", fifo("x.png"), resized, "pipe"),
    Case("picture-sparse", lambda f: hostile.huge_sparse(f / "x.png"), resized, "limit"),
    Case("picture-loop", link("x.png", "x.png"), resized, "link"),
    Case("picture-out", link("x.png", "/dev/zero"), resized, "leads out"),
    Case("trigger-fifo", fifo("t.png"), reading(load_image, "t.png"), "pipe"),
    Case("trigger-bomb", file("t.png", hostile.png_bomb), reading(load_image, "t.png"), "pixels"),
]


# ---- tables


def with_pictures(table: Callable[[], bytes]) -> Callable[[Path], object]:
    """Return what writes two pictures and a table of them."""

    def make(folder: Path) -> None:
        for name in ("a", "b"):
            hostile.picture(8, 8).save(folder / f"{name}.png")
        (folder / "t.csv").write_bytes(table())

    return make


def rows(*lines: bytes, head: bytes = b"file,label") -> Callable[[], bytes]:
    """Return what makes a table of these lines."""
    return lambda: b"\n".join((head, *lines)) + b"\n"


TABLE = {
    "table-formula": (rows(b"a.png,=HYPERLINK(1)"), "formula"),
    "table-dde": (rows(b"a.png,+cmd|' /C calc'!A0"), "formula"),
    "table-escape": (rows(b"a.png,\x1b]0;owned\x07"), "control"),
    "table-climbs": (rows(b"../../../etc/passwd,a"), "climbs"),
    "table-absolute": (rows(b"/etc/passwd,a"), "absolute"),
    "table-drive": (rows(b"C:\\Windows\\a.png,a"), "absolute"),
    "table-zero": (rows(b"a.png,\0"), "zero bytes"),
    "table-latin": (rows(b"a.png,\xe4"), "UTF-8"),
    "table-ragged": (rows(b"a.png,a,b"), "values"),
    "table-quote": (rows(b'a.png,"a' + b"a" * 1_000_000), "damaged"),
    "table-quotes": (rows(b'"' + b'""' * 10_000_000), "damaged"),
    "table-cells": (rows(*[b"a.png,a"] * 3_000_000), "values"),
    "table-columns": (rows(b"a", head=b"file,label" + b",a" * 900_000), "columns"),
    "table-long": (rows(b"a.png," + b"a" * 5_000), "characters"),
    "table-large": (lambda: b"file,label\n" + bytes(40 << 20), "limit"),
    "table-classes": (rows(*[b"%d.png,%d" % (n, n) for n in range(100_000)]), "none of"),
}
TABLES = [Case(name, with_pictures(build), tabled, said) for name, (build, said) in TABLE.items()]
TABLES.append(Case("table-fifo", lambda f: (with_pictures(rows())(f), fifo("u.csv")(f)), tabled, "table"))


# ---- archives and models


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[], bytes]:
    """Return what makes a `.tar.gz` of these members."""
    return lambda: hostile.tar_of(*members, gzipped=True)


def unpacked(path: Path) -> None:
    """Do what a step does with a packed model."""
    extract_tar(path, path.with_name("out"))


def tar_nested(megabytes: int = 300) -> bytes:
    """Return a gzip of a gzip of a tar: of no use to unpack twice."""
    return gzip.compress(hostile.tar_gz_bomb(megabytes), 1)


def tar_pax(count: int = 2_000) -> bytes:
    """Return a `.tar.gz` of members with an extended header of ten thousand records each."""
    records = b"".join(b"12 %05d=a\n" % number for number in range(9_000))
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    pad = bytes(-len(records) % 512)
    one = info.tobuf() + records + pad + tarfile.TarInfo("a").tobuf()
    return gzip.compress(one * count + bytes(1024), 1)


def keras_config(*layers: Mapping[str, Any]) -> bytes:
    """Return the description of a chain of layers, each its class and what it is told, as Keras writes it."""
    entries = [
        {
            "module": "keras.layers",
            "class_name": layer["class_name"],
            "config": layer["config"],
            "registered_name": None,
        }
        for layer in layers
    ]
    content = {"name": "m", "trainable": True, "layers": entries}
    return json.dumps(
        {"module": "keras", "class_name": "Sequential", "config": content, "registered_name": None}
    ).encode()


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    """Return one layer."""
    return {"class_name": class_name, "config": {"name": class_name.lower(), **config}}


INPUT = layer("InputLayer", batch_shape=[None, 8, 8, 3], dtype="uint8")


def weights(shape: tuple[int, ...] = (4,), **options: Any) -> bytes:
    """Return `model.weights.h5` of one array."""
    import h5py

    out = io.BytesIO()
    with h5py.File(out, "w") as store:
        store.create_dataset("layers/dense/vars/0", shape, "float32", **options)
    return out.getvalue()


def keras(
    config: bytes | None = None,
    data: Callable[[], bytes] | None = None,
    *more: tuple[str, bytes],
    method: int = 0,
) -> bytes:
    """Return a `.keras` archive."""
    config = config or keras_config(INPUT, layer("Flatten"), layer("Dense", units=1))
    members = [
        ("metadata.json", b"{}"),
        ("config.json", config),
        ("model.weights.h5", (data or full)()),
        *more,
    ]
    return hostile.zipped(members, method)


def full() -> bytes:
    """Return weights of four numbers that are really there."""
    import h5py

    out = io.BytesIO()
    with h5py.File(out, "w") as store:
        store.create_dataset("layers/dense/vars/0", data=np.zeros(4, np.float32))
    return out.getvalue()


def h5_elsewhere() -> bytes:
    """Return weights that lie in another file of the machine."""
    return weights((64,), external=[("/etc/passwd", 0, 256)])


def h5_link() -> bytes:
    """Return weights that are a link to another file."""
    import h5py

    out = io.BytesIO()
    with h5py.File(out, "w") as store:
        store["layers"] = h5py.ExternalLink("/etc/other.h5", "/")
    return out.getvalue()


def asks(*layers: Mapping[str, Any]) -> Callable[[], bytes]:
    """Return what makes a small `.keras` of these layers after an input of 8x8x3."""
    return lambda: keras(keras_config(INPUT, *layers))


def holds(data: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return what makes a `.keras` with these weights."""
    return lambda: keras(None, data)


def tar_many() -> bytes:
    """Return a `.tar.gz` of 20,000 empty files."""
    return gzip.compress(b"".join(tarfile.TarInfo(str(k)).tobuf() for k in range(20_000)), 1)


CODE = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}}
WIDE = layer("InputLayer", batch_shape=[None, 10**5, 10**5, 3])

TAR = {
    "tar-ratio": (lambda: hostile.tar_gz_bomb(300), "bomb"),
    "tar-header": (hostile.tar_header_bomb, "header"),
    "tar-pax": (tar_pax, "header"),
    "tar-twice-packed": (tar_nested, "x.tar.gz"),
    "tar-link": (packed(hostile.tar_special("a", tarfile.SYMTYPE, "/etc/passwd")), "link"),
    "tar-device": (packed(hostile.tar_special("a", tarfile.CHRTYPE)), "device"),
    "tar-absolute": (packed(hostile.tar_file("/tmp/a")), "absolute"),
    "tar-climbs": (packed(hostile.tar_file("../a")), "climbs"),
    "tar-twice": (packed(hostile.tar_file("a"), hostile.tar_file("A")), "two members"),
    "tar-huge": (hostile.tar_huge_member, "bytes"),
    "tar-long-name": (packed(hostile.tar_file("a" * 10_000)), "header"),
    "tar-many": (tar_many, "members"),
}
KERAS = {
    "keras-dense": (asks(layer("Dense", units=10**9)), "limit"),
    "keras-dense-many": (asks(*[layer("Dense", units=60_000)] * 50), "weights"),
    "keras-embedding": (asks(layer("Embedding", input_dim=10**6, output_dim=10**4)), "limit"),
    "keras-conv": (asks(layer("Conv2D", filters=2**16, kernel_size=[512, 512])), "weights"),
    "keras-up": (asks(layer("UpSampling2D", size=[10**5, 10**5])), "'size'"),
    "keras-repeat": (asks(layer("Flatten"), layer("RepeatVector", n=10**9)), "'n'"),
    "keras-input": (lambda: keras(keras_config(WIDE)), "'batch_shape'"),
    "keras-many": (asks(*[layer("ReLU")] * 20_000), "layers"),
    "keras-lambda": (asks(layer("Lambda", function=CODE)), "lambda"),
    "keras-saved-model": (asks(layer("TFSMLayer", filepath="/tmp/x")), "TFSMLayer"),
    "keras-foreign": (
        lambda: keras(keras_config(INPUT).replace(b"keras.layers", b"subprocess")),
        "subprocess",
    ),
    "keras-deep": (lambda: keras(b'{"config":' * 10**5), "JSON"),
    "keras-bomb": (hostile.npz_bomb, "bomb"),
    "keras-assets": (lambda: keras(None, None, ("assets/x", b"")), "member"),
    "h5-unwritten": (holds(lambda: weights((10**5, 10**5))), "not there"),
    "h5-packed": (holds(lambda: weights((1 << 24,), compression="gzip", fillvalue=1)), "not there"),
    "h5-elsewhere": (holds(h5_elsewhere), "another file"),
    "h5-link": (holds(h5_link), "link"),
    "h5-noise": (holds(lambda: hostile.noise(10_000)), "weights"),
}
MODELS = [
    *each(unpacked, "x.tar.gz", TAR),
    *each(load_keras_model, "m.keras", KERAS),
    Case("model-ratio", file("model.tar.gz", lambda: hostile.tar_gz_bomb(300)), model, "bomb"),
]

CASES = [*TEXTS, *SPECIAL, *ARRAYS, *PICTURES, *TABLES, *MODELS]


# ---- measuring


def measured(case: Case, folder: Path) -> dict[str, Any]:
    """Return how a case went: what it said, seconds of CPU and megabytes at most."""
    folder.mkdir()
    _forked(lambda: str(case.make(folder)), 300)
    files = [path.name for path in folder.iterdir()]
    text, usage = _forked(lambda: _outcome(case, folder), _PATIENCE_S)
    seconds = usage.ru_utime + usage.ru_stime
    megabytes = usage.ru_maxrss / 1024
    return {
        "name": case.name,
        "files": files,
        "outcome": text,
        "seconds": seconds,
        "megabytes": megabytes,
    }


def _outcome(case: Case, folder: Path) -> str:
    try:
        case.read(folder)
    except BoomerangError as error:
        return f"{type(error).__name__}: {error}"
    except BaseException as error:  # what a reader should not raise is what is looked for
        return f"RAW {type(error).__name__}: {str(error)[:300]}"
    return "TAKEN"


def _forked(do: Callable[[], str], patience_s: float) -> tuple[str, resource.struct_rusage]:
    """Do something in a child, which is killed where it hangs; returns its words and what it took."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (int(patience_s), int(patience_s)))
        resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
        os.write(write, do().encode(errors="backslashreplace")[:4000])
        os._exit(0)
    os.close(write)
    timer = threading.Timer(patience_s, os.kill, (pid, 9))
    timer.start()
    _, _, usage = os.wait4(pid, 0)
    timer.cancel()
    with os.fdopen(read, "rb") as stream:
        return stream.read().decode() or "HUNG", usage


def main() -> None:
    """Measure every case, or those named after the folder."""
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            if not sys.argv[1:] or case.name in sys.argv[1:]:
                print(json.dumps(measured(case, Path(folder) / case.name)), flush=True)


if __name__ == "__main__":
    main()
