"""A folder of photographs in, one array of small square images out.

Each picture is padded to a square, resized and stored as RGB: `images.npy` in the natural order of
the file names, `pictures/` with one small picture each for the eye, and `manifest.json`. What
cannot be used is named with the reason. Same files, same settings: byte-identical folder, however
many threads decode.

Needs numpy, pillow and `boomerang`; must not import TensorFlow.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, features
from PIL import __version__ as pillow_version

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput, IntegrityError, UsageError, nearest
from boomerang.manifest import Manifest, commit, committing, read_manifest
from boomerang.safeio import (
    MAX_IMAGE_BYTES,
    WHITE,
    Picture,
    decode_picture,
    display_name,
    load_npy,
    quiet_decoders,
    read_bytes,
    real_path,
)

ARRAY = "images.npy"
PICTURES = "pictures"
KIND = "pictures"
FORMATS = ("png", "jpeg")
FILTERS = {filter_.name.lower(): filter_ for filter_ in Image.Resampling}
MAX_SIZE_PX = 2048

# A JPEG may be decoded at reduced scale while its longer side keeps this many times the wanted
# size. The output is then within a few gray levels of a full decode; at half the margin errors of
# 10 and more appear.
DRAFT_MARGIN = 16

_STRIP_ROWS = 512
_STEM_BYTES = 200

RGB = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class ResizeReport:
    """What `resize_folder` made.

    Attributes
    ----------
    out : Path
        The committed folder.
    array : Path
        uint8[N, size, size, 3], 0..255.
    names : tuple of str
        The source file of each row of the array.
    refused : tuple of Refused
        In natural order.
    manifest : Manifest
        As written.
    """

    out: Path
    array: Path
    names: tuple[str, ...]
    refused: tuple[Refused, ...]
    manifest: Manifest


@dataclass(frozen=True)
class Settings:
    """How pictures are resized; the fields are arguments of `resize_folder`."""

    size_px: int
    pad: RGB
    resample: str
    image_format: str

    def __post_init__(self) -> None:
        if not 1 <= self.size_px <= MAX_SIZE_PX:
            raise UsageError("size", f"got {self.size_px}", f"give 1 to {MAX_SIZE_PX} pixels")
        if len(self.pad) != 3 or not all(0 <= level <= 255 for level in self.pad):
            raise UsageError("pad color", f"got {self.pad}", "give red, green and blue, 0 to 255 each")
        if self.resample not in FILTERS:
            raise UsageError("filter", f"'{self.resample}' is unknown", nearest(self.resample, FILTERS))
        if self.image_format not in FORMATS:
            why = f"'{self.image_format}' is unknown"
            raise UsageError("picture format", why, nearest(self.image_format, FORMATS))


@dataclass(frozen=True)
class PictureSource:
    """What the manifest says of one accepted file."""

    name: str
    sha256: str
    format: str
    mode: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Taken:
    """An accepted file and its small picture, uint8[size, size, 3], 0..255."""

    source: PictureSource
    pixels: Pixels


def square_image(image: Image.Image, size_px: int, *, pad: RGB = WHITE, resample: str = "lanczos") -> Pixels:
    """Pad an RGB picture to a square, centered, and resize the square.

    The result is that of resizing the padded square in one go, to the bit; the square itself is
    never made, because that of a long thin picture would not fit into memory.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    size_px : int
        Side of the result.
    pad : tuple of int
        RGB, 0..255.
    resample : str
        A key of `FILTERS`.

    Returns
    -------
    uint8[size_px, size_px, 3], 0..255
    """
    side = max(image.size)
    top = (side - image.height) // 2
    column = Image.new("RGB", (size_px, side), pad)
    for row in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, row, image.width, min(row + _STRIP_ROWS, image.height)))
        column.paste(_narrow(strip, side, size_px, pad, resample), (0, top + row))
    # Pillow resizes across first and then down, rounding to 8 bits between: so does this.
    return np.array(column.resize((size_px, size_px), FILTERS[resample]))


def _narrow(strip: Image.Image, side: int, size_px: int, pad: RGB, resample: str) -> Image.Image:
    wide = Image.new("RGB", (side, strip.height), pad)
    wide.paste(strip, ((side - strip.width) // 2, 0))
    return wide.resize((size_px, strip.height), FILTERS[resample])


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Sort key that puts `rb-2` before `rb-10`; names that tie there go by their code points.

    >>> sorted(["rb-10.png", "rb-2.png", "Rb-2.png"], key=natural_key)
    ['Rb-2.png', 'rb-2.png', 'rb-10.png']
    """
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], name


def resize_folder(
    source: Path,
    out: Path,
    *,
    size_px: int = 32,
    pad: RGB = WHITE,
    resample: str = "lanczos",
    image_format: str = "png",
    strict: bool = False,
    jobs: int | None = None,
    on_done: Callable[[int, int], None] | None = None,
) -> ResizeReport:
    """Turn the pictures of a folder into one array of square images.

    Subfolders are not entered, but named as refused; hidden files (`.DS_Store`) are not looked at.

    Parameters
    ----------
    source : Path
        The folder of JPEG, PNG or WebP files, told by content.
    out : Path
        The folder to make. An older output of this function is replaced, anything else is not.
    size_px : int
        Side of the square images, 1..2048.
    pad : tuple of int
        RGB of the padding, and of what lies behind transparent pixels.
    resample : str
        A key of `FILTERS`.
    image_format : str
        Of the pictures for the eye: `png` or `jpeg`.
    strict : bool
        Stop at the first file that is refused, in natural order, and write nothing.
    jobs : int, optional
        Threads; by default as many as there are cores, at most 4, since each may hold a large
        picture in memory.
    on_done : callable, optional
        Called with (files done, files in all).

    Raises
    ------
    UsageError
        When a setting is out of range, or `out` is not a place to write to.
    BadInput
        When `source` is no folder or holds no picture, or, with `strict`, a file is refused.
    """
    settings = Settings(size_px, pad, resample, image_format)
    workers = min(4, os.cpu_count() or 1) if jobs is None else jobs
    if workers < 1:
        raise UsageError("jobs", f"got {workers}", "give 1 or more")
    _check_places(source, out)
    paths = listed(source)
    try:
        with quiet_decoders():
            results = _watched(take_all(paths, settings, workers), len(paths), on_done)
            return write_folder(source, out, results, settings, strict=strict)
    except OSError as error:
        raise UsageError(
            f"cannot write {out}", error.strerror or str(error), "free it, or choose another"
        ) from error


def write_folder(
    source: Path, out: Path, results: Iterator[Taken | Refused], settings: Settings, *, strict: bool = False
) -> ResizeReport:
    """Write what became of each file of a folder, in one piece; see `resize_folder`.

    Raises
    ------
    BadInput
        When no file was taken, or, with `strict`, one was refused.
    """
    with committing(real_path(out)) as scratch:
        sources, refused = _write_array(scratch / ARRAY, results, settings, strict)
        if not sources:
            raise none_left(source, refused)
        names = tuple(entry.name for entry in sources)
        _write_pictures(scratch, names, settings)
        manifest = commit(scratch, _manifest(sources, refused, settings))
    return ResizeReport(out, out / ARRAY, names, tuple(refused), manifest)


# --- before anything is written -----------------------------------------------------------------


def _check_places(source: Path, out: Path) -> None:
    what = f"cannot read {source}"
    if not source.exists():
        raise BadInput(what, "there is no such folder", "give the folder that holds the pictures")
    if not source.is_dir():
        raise BadInput(what, "it is not a folder", "give the folder that holds the pictures")
    inside, outside = real_path(source), real_path(out)
    if outside == inside or inside in outside.parents or outside in inside.parents:
        why = f"it and the pictures' folder {source} are the same or one lies in the other"
        raise UsageError(f"cannot write {out}", why, "choose a folder beside it")
    if out.exists() and not _replaceable(out):
        why = "it is there already and was not made by resize_images, or was added to since"
        raise UsageError(f"cannot write {out}", why, "choose a new folder, or move that one away")


def _replaceable(out: Path) -> bool:
    """Whether `out` is empty, or an output of this module to which nobody has added a file."""
    if not out.is_dir():
        return False
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not any(out.iterdir()):
        return True
    try:
        manifest = read_manifest(out)
    except (IntegrityError, OSError):
        return False
    return manifest.kind == KIND and found <= {*manifest.files, "manifest.json"}


def listed(source: Path) -> list[Path]:
    """Return the files of a folder in natural order; raises BadInput where there is none."""
    try:
        names = [path for path in source.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise BadInput(f"cannot read {source}", error.strerror or "", "make the folder readable") from error
    if not names:
        raise BadInput(f"cannot use {source}", "the folder is empty", "put JPEG, PNG or WebP files in it")
    return sorted(names, key=lambda path: natural_key(path.name))


def none_left(source: Path, refused: Sequence[Refused]) -> BadInput:
    """Return the error that names why no file of a folder could be used."""
    shown = [f"{item.name}: {item.reason}" for item in refused[:5]]
    more = [f"and {len(refused) - 5} more"] if len(refused) > 5 else []
    why = "no file in it is a usable picture\n    " + "\n    ".join(shown + more)
    return BadInput(f"cannot use {source}", why, "put JPEG, PNG or WebP files in it")


# --- one file, and all of them ------------------------------------------------------------------


def take_all(paths: Sequence[Path], settings: Settings, jobs: int) -> Iterator[Taken | Refused]:
    """Yield the result of each file, in order; a batch at a time, so that few wait in memory."""
    batch = 64 * jobs
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for start in range(0, len(paths), batch):
                yield from pool.map(partial(_take, settings=settings), paths[start : start + batch])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _take(path: Path, settings: Settings) -> Taken | Refused:
    name = display_name(os.fsencode(path.name).decode(errors="backslashreplace"))
    try:
        data = _content(path)
        picture = decode_picture(
            data, name, shrink_to_px=DRAFT_MARGIN * settings.size_px, background=settings.pad
        )
    except BadInput as error:
        return Refused(name, error.why)
    pixels = square_image(picture.image, settings.size_px, pad=settings.pad, resample=settings.resample)
    return Taken(_source(name, data, picture), pixels)


def _content(path: Path) -> bytes:
    if path.is_symlink() and not real_path(path).is_relative_to(real_path(path.parent)):
        # A foreign folder could otherwise pull any picture of this machine into the array.
        raise BadInput(path.name, "it is a link that leads out of the folder", "copy the file")
    return read_bytes(path, MAX_IMAGE_BYTES)


def _source(name: str, data: bytes, picture: Picture) -> PictureSource:
    return PictureSource(
        name, sha256_bytes(data), picture.format, picture.mode, picture.width_px, picture.height_px
    )


def _watched(
    results: Iterator[Taken | Refused], total: int, on_done: Callable[[int, int], None] | None
) -> Iterator[Taken | Refused]:
    for done, result in enumerate(results, start=1):
        if on_done is not None:
            on_done(done, total)
        yield result


# --- writing ------------------------------------------------------------------------------------


def _write_array(
    path: Path, results: Iterator[Taken | Refused], settings: Settings, strict: bool
) -> tuple[list[PictureSource], list[Refused]]:
    """Write the accepted images as they come; their number goes into the header at the end."""
    sources: list[PictureSource] = []
    refused: list[Refused] = []
    with path.open("wb") as stream:
        _write_header(stream, 0, settings.size_px)
        for result in results:
            if isinstance(result, Taken):
                stream.write(result.pixels.tobytes())
                sources.append(result.source)
            elif strict:
                do = "take it out or repair it, or leave out --strict"
                raise BadInput(f"cannot use {result.name}", result.reason, do)
            else:
                refused.append(result)
        stream.seek(0)
        _write_header(stream, len(sources), settings.size_px)
    return sources, refused


def _write_header(stream: BinaryIO, count: int, size_px: int) -> None:
    # numpy leaves room for the first axis to grow, so the header's length does not depend on it.
    shape = (count, size_px, size_px, 3)
    fields = {"descr": "|u1", "fortran_order": False, "shape": shape}
    npy: Any = np.lib.format  # numpy ships no types for it
    npy.write_array_header_1_0(stream, fields)


def _write_pictures(scratch: Path, names: Sequence[str], settings: Settings) -> None:
    folder = scratch / PICTURES
    folder.mkdir()
    images = load_npy(scratch / ARRAY, kinds="u", ndim=4, mmap=True)
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if settings.image_format == "jpeg" else {}
    for stem, pixels in zip(_picture_stems(names), images, strict=True):
        Image.fromarray(pixels).save(folder / f"{stem}.{settings.image_format}", **options)


def _picture_stems(names: Sequence[str]) -> list[str]:
    """Return a file stem for each source name: its own where only one has it, else the whole name.

    All are different, also where upper and lower case are the same to the file system.
    """
    own = [_safe_stem(Path(name).stem) for name in names]
    times = Counter(stem.casefold() for stem in own)
    stems: list[str] = []
    used = {stem.casefold() for stem in own if times[stem.casefold()] == 1}
    for name, stem in zip(names, own, strict=True):
        if times[stem.casefold()] > 1:
            stem = _unused(_safe_stem(name), used)  # noqa: PLW2901  the better name of the same thing
            used.add(stem.casefold())
        stems.append(stem)
    return stems


def _unused(stem: str, used: set[str]) -> str:
    candidate, number = stem, 2
    while candidate.casefold() in used:
        candidate, number = f"{stem}-{number}", number + 1
    return candidate


def _safe_stem(stem: str) -> str:
    # Short enough for every file system once a suffix is added, and free of what Windows forbids.
    kept = re.sub(r'[\\/:*?"<>|]', "_", stem)
    return kept.encode()[:_STEM_BYTES].decode(errors="ignore")


def _manifest(sources: Sequence[PictureSource], refused: Sequence[Refused], settings: Settings) -> Manifest:
    versions = {"pillow": pillow_version, "jpeg": features.version("jpg"), "webp": features.version("webp")}
    return Manifest(
        name="pictures",
        kind=KIND,
        shape=(len(sources), settings.size_px, settings.size_px, 3),
        recipe={
            "step": "resize_images",
            **asdict(settings),
            "pad": list(settings.pad),
            "sources": [asdict(entry) for entry in sources],
            # What decodes decides the last bit of a pixel.
            "versions": versions,
        },
        refused=tuple(asdict(item) for item in refused),
    )
