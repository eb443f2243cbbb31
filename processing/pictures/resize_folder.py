"""A folder of photographs in, one array of small square images out.

Each picture is padded to a square, resized and stored as RGB: `images.npy` in the natural order of
the file names, `pictures/` with one small picture each for the eye, and `manifest.json`. What
cannot be used is named with the reason. Same files, same settings: byte-identical folder, however
many threads decode.

Needs numpy, pillow and `boomerang`; must not import TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from boomerang.errors import UsageError
from boomerang.safeio import WHITE, quiet_decoders
from processing.pictures.decoding import Refused, Taken, take_all, threads
from processing.pictures.listing import check_places, listed
from processing.pictures.padded import RGB, Settings
from processing.pictures.picture_folder import ResizeReport, write_folder


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

    Parameters
    ----------
    source, out : Path
        The folder of pictures, told by content (subfolders are named as refused, hidden files
        passed over); and the one to make: an older output is replaced, anything else is not.
    size_px : int
        Side of the square images, 1..2048.
    pad, resample, image_format : tuple of int, str, str
        RGB of the padding and behind transparency; a key of `FILTERS`; `png` or `jpeg`, for the eye.
    strict : bool
        Stop at the first file that is refused, in natural order, and write nothing.
    jobs : int, optional
        Threads; by default one a core, at most 4, since each may hold a large picture in memory.
    on_done : callable, optional
        Called with (files done, files in all).

    Raises
    ------
    UsageError
        When a setting is out of range, or `out` is not a place to write to.
    BadInput
        When `source` is no folder or holds no picture, or, with `strict`, a file is refused.
    """
    settings = Settings((size_px, size_px), pad, resample, image_format)
    workers = threads() if jobs is None else jobs
    if workers < 1:
        raise UsageError("jobs", f"got {workers}", "give 1 or more")
    check_places(source, out)
    paths = listed(source)
    try:
        with quiet_decoders():
            results = _watched(take_all(paths, source, settings, workers), len(paths), on_done)
            return write_folder(source, out, results, settings, strict=strict)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"cannot write {out}", why, "free it, or choose another") from error


def _watched(
    results: Iterator[Taken | Refused], total: int, on_done: Callable[[int, int], None] | None
) -> Iterator[Taken | Refused]:
    for done, result in enumerate(results, start=1):
        if on_done is not None:
            on_done(done, total)
        yield result
