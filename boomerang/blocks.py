"""Arrays larger than memory, a block at a time.

A dataset's arrays are files that are mapped. What is read of a mapping counts as memory of the process until
it is let go, so whoever goes through all rows takes them in blocks and lets each go. `blocks` does both;
whoever picks rows in an order of his own calls `let_go` now and then.

Nothing is lost by it: the pages stay in the system's cache, and a row that is asked for again is mapped anew.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.errors import BadInput
from boomerang.formats.notices import Notice, write_notices
from boomerang.manifest import (
    SOURCES_FILE,
    VOUCHED_FILE,
    X_FILE,
    Y_FILE,
    Digests,
    Images,
    Labels,
    Manifest,
    Rows,
    check_arrays,
    commit,
    committing,
)

BLOCK_BYTES = 16 << 20

Array = npt.NDArray[Any]
Vouch = Callable[[Images, Labels], Digests]


def rows_at_once(x: Array, most: int = BLOCK_BYTES) -> int:
    """Return how many rows of an array make a block of so many bytes; at least one.

    >>> rows_at_once(np.zeros((10, 32, 32, 3), np.uint8), 1 << 20)
    341
    """
    row_bytes = x.itemsize * int(np.prod(x.shape[1:], dtype=np.int64))
    return max(1, most // max(1, row_bytes))


def slices(rows: int, at_once: int) -> Iterator[slice]:
    """Give consecutive slices of at most so many rows that cover all of them.

    >>> list(slices(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return (slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once))


def blocks(x: Array, at_once: int | None = None) -> Iterator[tuple[slice, Array]]:
    """Give the rows of an array in blocks, each with where it stands, and let go of each before the next.

    Parameters
    ----------
    x : array[N, ...]
        Mapped or not. What is given is a view: who keeps it keeps a copy.
    at_once : int, optional
        Rows of a block; without it, `BLOCK_BYTES` of them.
    """
    for part in slices(len(x), at_once or rows_at_once(x)):
        yield part, x[part]
        let_go(x)


def let_go(x: Array) -> None:
    """Let go of the memory that an array's mapping has taken up; does nothing to an array that is not mapped.

    Of a mapping that is written to, what was written stays; one that is private (mode `c`) is left alone.
    """
    owner: Any = x
    while owner is not None and not isinstance(owner, mmap.mmap):
        if isinstance(owner, np.memmap) and owner.mode == "c":
            return
        owner = getattr(owner, "base", None)
    if owner is not None and hasattr(owner, "madvise"):
        owner.madvise(mmap.MADV_DONTNEED)


def row_digests(x: Images, y: Labels) -> Digests:
    """Return uint8[N, 32]: of each row the SHA-256 of its label, int64 little-endian, and its pixels.

    Parameters
    ----------
    x : uint8[N, H, W, C], 0..255
        It may be mapped.
    y : int64[N]
    """
    found = np.zeros((len(y), 32), np.uint8)
    for part, images in blocks(x):
        labels = y[part].astype("<i8")
        sums = (
            sha256(label.tobytes() + image.tobytes()).digest()
            for label, image in zip(labels, images, strict=True)
        )
        found[part] = np.frombuffer(b"".join(sums), np.uint8).reshape(-1, 32)
    return found


@contextmanager
def new_dataset(
    path: Path,
    rows: int,
    image: tuple[int, ...],
    manifest: Manifest,
    sources: Rows | None = None,
    vouch: Vouch | None = None,
    notices: Sequence[Notice] = (),
) -> Iterator[tuple[Images, Labels]]:
    """Give the arrays of a dataset that is to be written, mapped onto its own files; commit it at the end.

    It appears in one piece when the block ends well, and not at all when it does not. The same content gives
    the same bytes as `boomerang.manifest.write_dataset`.

    Parameters
    ----------
    path, rows, image
        Where, how many, and (H, W, C).
    manifest : Manifest
        What it says of shape and files is filled in.
    sources : int64[N], optional
        Which of the manifest's `source_names` each row is from, -1 for none; without it they are dropped.
    vouch : callable, optional
        Of the arrays as they are at the end, the digests that the sources vouch for.
    notices : sequence of Notice

    Yields
    ------
    uint8[N, H, W, C], int64[N]
        Zeros, to be written to; `let_go` of them now and then.

    Raises
    ------
    BadInput
        If a source has no name; at the end, if a label has no class.
    """
    names = () if sources is None else manifest.source_names
    with committing(path) as scratch:
        if sources is not None:
            _check_sources(sources, rows, len(names))
            np.save(scratch / SOURCES_FILE, sources, allow_pickle=False)
        x = new_array(scratch / X_FILE, np.dtype(np.uint8), (rows, *image))
        y = new_array(scratch / Y_FILE, np.dtype(np.int64), (rows,))
        yield x, y
        check_arrays(x, y, manifest.classes)
        if vouch is not None:
            np.save(scratch / VOUCHED_FILE, vouch(x, y), allow_pickle=False)
        _flush(x, y)
        write_notices(scratch, notices)
        commit(scratch, manifest.model_copy(update={"shape": x.shape, "source_names": names}))


def _flush(*arrays: Array) -> None:
    for array in arrays:
        if isinstance(array, np.memmap):
            array.flush()


def _check_sources(sources: Rows, rows: int, names: int) -> None:
    got = f"{sources.dtype}{list(sources.shape)} for {rows} rows and {names} names"
    sound = sources.dtype == np.int64 and sources.shape == (rows,) and names > 0
    if not (sound and int(sources.min(initial=-1)) >= -1 and int(sources.max(initial=-1)) < names):
        raise BadInput("the sources of the rows", f"got {got}", "give int64[N], an index of a name or -1")


def new_array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Return zeros in a new `.npy` file, mapped but where it is empty, which numpy cannot map."""
    if 0 in shape:
        empty = np.zeros(shape, dtype)
        np.save(path, empty, allow_pickle=False)
        return empty
    mapped: Array = np.lib.format.open_memmap(path, "w+", dtype, shape)  # type: ignore[no-untyped-call]
    # The room is taken now: a disk that is full would kill a process that writes to a mapping.
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return mapped
