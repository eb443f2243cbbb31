"""The files of a folder decoded and resized: each is taken, or refused with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from boomerang.digest import sha256_bytes
from boomerang.errors import BadInput
from boomerang.manifest import Images
from boomerang.safeio import (
    MAX_IMAGE_BYTES,
    PICTURE_FORMATS,
    Picture,
    decode_picture,
    display_name,
    read_bytes,
    real_path,
)
from processing.pictures.padded import Settings, padded_image

# Each thread may hold a large picture in memory.
MOST_THREADS = 4

# A JPEG may be decoded at reduced scale while its longer side keeps this many times the wanted size, so that
# one of 12 megapixels is decoded at 1/8 for 32 px. The output was within 4 gray levels of a full decode on
# photographs, stripes and hard edges of all shapes.
_DRAFT_MARGIN = 12

LEADS_OUT = "it is a link that leads out of the folder"


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class PictureSource:
    """What the manifest says of one accepted file."""

    name: str
    sha256: str
    format: str
    mode: str
    width_px: int
    height_px: int
    several: bool = False

    @property
    def record(self) -> dict[str, Any]:
        """It as plain JSON; `several`, whether the file holds further frames or pages, only where it does."""
        return {key: value for key, value in asdict(self).items() if key != "several" or value}


@dataclass(frozen=True)
class Taken:
    """An accepted file and its small picture, uint8[H, W, 3], 0..255."""

    source: PictureSource
    pixels: Images


def threads() -> int:
    """Return how many files are best decoded at once on this machine."""
    return min(MOST_THREADS, os.cpu_count() or 1)


def take_all(paths: Sequence[Path], root: Path, settings: Settings, jobs: int) -> Iterator[Taken | Refused]:
    """Yield the result of each file below a folder, in order; a batch at a time, so that few wait in memory.

    A file is called by its name below `root`, and a link that leads out of that is refused.
    """
    batch = 64 * jobs
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for start in range(0, len(paths), batch):
                yield from pool.map(
                    partial(_take, root=root, settings=settings), paths[start : start + batch]
                )
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def name_below(path: Path, root: Path) -> str:
    """Return what a file below a folder is called: its name there, printable."""
    return display_name(os.fsencode(path.relative_to(root).as_posix()).decode(errors="backslashreplace"))


def leads_out(path: Path, root: Path) -> bool:
    """Whether a file is a link to another that does not lie below the folder."""
    return path.is_symlink() and not real_path(path).is_relative_to(real_path(root))


def _take(path: Path, root: Path, settings: Settings) -> Taken | Refused:
    name = name_below(path, root)
    try:
        data = _content(path, root)
        picture = decode_picture(
            data, name, shrink_to_px=_DRAFT_MARGIN * max(settings.size), background=settings.pad
        )
        pixels = padded_image(
            picture.image,
            settings.size,
            pad=settings.pad,
            resample=settings.resample,
            scale=picture.scale,
            of_px=picture.upright_px,
        )
    except BadInput as error:
        return Refused(name, error.why)
    return Taken(_source(name, data, picture), pixels)


def _content(path: Path, root: Path) -> bytes:
    if leads_out(path, root):
        # A foreign folder could otherwise pull any picture of this machine into the array.
        raise BadInput(path.name, LEADS_OUT, "copy the file")
    return read_bytes(path, MAX_IMAGE_BYTES)


def _source(name: str, data: bytes, picture: Picture) -> PictureSource:
    return PictureSource(
        name,
        sha256_bytes(data),
        picture.format,
        picture.mode,
        picture.width_px,
        picture.height_px,
        picture.several,
    )


def none_left(source: Path, refused: Sequence[Refused]) -> BadInput:
    """Return the error that names why no file of a folder could be used."""
    shown = [f"{item.name}: {item.reason}" for item in refused[:5]]
    more = [f"and {len(refused) - 5} more"] if len(refused) > 5 else []
    why = "no file in it is a usable picture\n    " + "\n    ".join(shown + more)
    return BadInput(f"cannot use {source}", why, f"put {PICTURE_FORMATS} files in it")
