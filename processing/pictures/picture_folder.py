"""The folder that pictures become: `images.npy`, `pictures/` for the eye, and the manifest.

images.npy      uint8[N, H, W, 3], files in natural order
pictures/       the same images, one file each
manifest.json   what each file was, what was refused and why, the settings, what decoded
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, features
from PIL import __version__ as pillow_version

from boomerang.errors import BadInput
from boomerang.manifest import Manifest, commit, committing
from boomerang.safeio import load_npy, real_path
from processing.pictures.decoding import PictureSource, Refused, Taken, none_left
from processing.pictures.listing import KIND
from processing.pictures.padded import Settings, Size

ARRAY = "images.npy"
PICTURES = "pictures"

_STEM_BYTES = 200


@dataclass(frozen=True)
class ResizeReport:
    """What was made of a folder of pictures.

    Attributes
    ----------
    out : Path
        The committed folder.
    array : Path
        uint8[N, H, W, 3], 0..255.
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


def _write_array(
    path: Path, results: Iterator[Taken | Refused], settings: Settings, strict: bool
) -> tuple[list[PictureSource], list[Refused]]:
    """Write the accepted images as they come; their number goes into the header at the end."""
    sources: list[PictureSource] = []
    refused: list[Refused] = []
    with path.open("wb") as stream:
        _write_header(stream, 0, settings.size)
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
        _write_header(stream, len(sources), settings.size)
    return sources, refused


def _write_header(stream: BinaryIO, count: int, size: Size) -> None:
    # numpy leaves room for the first axis to grow, so the header's length does not depend on it.
    shape = (count, *size, 3)
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
        shape=(len(sources), *settings.size, 3),
        recipe={
            "step": "resize_images",
            **settings.recipe,
            "sources": [entry.record for entry in sources],
            # What decodes decides the last bit of a pixel.
            "versions": versions,
        },
        refused=tuple(asdict(item) for item in refused),
    )
