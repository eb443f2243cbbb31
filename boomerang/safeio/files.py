"""Files of any kind: reading with a cap, names that stay inside, and writing in one piece.

The other modules of this package build on `reading` and `regular_file`: inside them a file is refused
with a `RefusedError`, and outside the caller sees a `BadInput` that names the file.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from boomerang.errors import BadInput
from boomerang.shown import display_name


class RefusedError(Exception):
    """Why a file is not taken, before its name is known; it never leaves this package."""


@contextmanager
def reading(path: Path, do: str, *expected: type[Exception]) -> Iterator[None]:
    """Turn a refusal, a system error or an `expected` parser error into a BadInput about `path`."""
    what = f"cannot use {display_name(path)}"
    try:
        yield
    except RefusedError as refusal:
        raise BadInput(what, str(refusal), do) from None
    except expected as error:
        raise BadInput(what, f"it is damaged ({said(error)})", do) from error
    except OSError as error:
        raise BadInput(
            what, error.strerror or said(error), _OF_THE_SYSTEM.get(error.errno or 0, do)
        ) from error


# What to do where the file was not even looked into.
_OF_THE_SYSTEM = {
    errno.ENOENT: "give a file that is there",
    errno.EACCES: "give a file that you may read",
    errno.ENOTDIR: "a part of its path is a file: give another",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "its links lead in a circle: correct them",
    errno.EMFILE: "close what has files open, or raise the limit: ulimit -n 4096",
}


def said(error: Exception) -> str:
    """Return an error's kind and text, printable and the same each time."""
    # An object's address would make two reports of the same file differ.
    text = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "the data", str(error))
    return f"{type(error).__name__}: {display_name(text)}" if text else type(error).__name__


@contextmanager
def regular_file(path: Path, max_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file of 1..max_bytes bytes; gives the stream and its size."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a NUL in the name
        raise RefusedError(said(error)) from None
    if not stat.S_ISREG(mode):
        # Opening a FIFO waits for ever and opening a device may do something.
        raise RefusedError("it is a folder" if stat.S_ISDIR(mode) else "it is a device, pipe or socket")
    # Another may have put a FIFO there since; opened so, it does not wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise RefusedError("it is a device, pipe or socket")
        size = found.st_size
        if size == 0:
            raise RefusedError("it is empty")
        _check_size(size, max_bytes)
        yield stream, size


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise RefusedError(f"it has {size:,} bytes, the limit is {max_bytes:,}")


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of 1..max_bytes bytes.

    Raises
    ------
    BadInput
        When it is missing, not a regular file, empty or too large.
    """
    with (
        reading(path, "give a readable file below the limit"),
        regular_file(path, max_bytes) as (stream, size),
    ):
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
    with reading(root, "use a relative name that stays inside the folder"):
        check_member_name(name)
        joined = root / name
        if not real_path(joined).is_relative_to(real_path(root)):
            raise RefusedError(f"the name '{display_name(name)}' leads out of it through a link")
    return joined


def check_member_name(name: str) -> None:
    """Refuse a name that is empty, absolute or climbs out, on this system or on another."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    shown = display_name(name)
    if not posix.parts or "\0" in name:
        raise RefusedError(f"the name '{shown}' is no file name")
    if posix.is_absolute() or windows.drive or windows.root:
        raise RefusedError(f"the name '{shown}' is absolute")
    if ".." in posix.parts or ".." in windows.parts:
        raise RefusedError(f"the name '{shown}' climbs out of the folder")


def write_bytes_atomic(path: Path, data: bytes, *, scratch: Path | None = None) -> None:
    """Write a file so that a reader, or a machine that dies, sees the old content or the new one.

    Parameters
    ----------
    path : Path
    data : bytes
    scratch : Path, optional
        A folder of the same file system where it grows, if its own may hold nothing else. What is left
        there when the process is killed, `sweep` clears.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = (scratch or path.parent) / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part"
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
