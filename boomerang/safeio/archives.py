"""Archives: unpacking a tar into a new folder, and the caps that every zip is held against."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from boomerang.safeio.files import RefusedError, check_member_name, reading, regular_file
from boomerang.shown import display_name

MAX_TAR_BYTES = 8 << 30
MAX_TAR_MEMBERS = 10_000

# Honest archives of arrays and models shrink to a tenth, seldom to a hundredth; a bomb to a thousandth.
_UNPACK_RATIO = 100
_UNPACK_FREE_BYTES = 256 << 20

# The largest piece in which a file is copied out; a header that claims more is no honest one.
_MAX_TAR_READ_BYTES = 128 << 10
_TAR_HEADER_BYTES = 4096
_MAX_INDEX_BYTES = 4 << 20
_ZIP_HEADER_BYTES = 30

_TAR_ERRORS = (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError, RecursionError)
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class _CappedStream:
    """The unpacked bytes of a tar, of which no more than `max_bytes` are ever produced.

    tarfile reads an extended header into memory in one piece, however long it claims to be; no
    honest one comes near the cap on a single read.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream, self._max_bytes = stream, max_bytes

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MAX_TAR_READ_BYTES:
            raise RefusedError(f"a header in it claims {size:,} bytes")
        self._check(self.tell() + size)
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._max_bytes:
            raise RefusedError(f"it unpacks to more than {self._max_bytes:,} bytes (a bomb?)")


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
        Caps on the unpacked size and on the number of members; an archive that grows more than a
        hundredfold beyond 256 MiB is refused as well.

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
    with reading(path, do, *_TAR_ERRORS):
        if dest.exists() and any(dest.iterdir()):
            raise RefusedError(f"the folder it should go to, {dest}, is not empty")
        with (
            regular_file(path, max_bytes) as (packed, size),
            _open_tar(packed, _most_unpacked(size, max_bytes), max_members) as archive,
        ):
            names = _check_tar(archive, _most_unpacked(size, max_bytes), max_members)
            dest.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{dest.name}.", dir=dest.parent) as scratch:
                whole = Path(scratch) / "whole"
                _unpack(archive, whole)
                whole.replace(dest)
    return [dest / name for name in names]


def _unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Write the folders and plain files of an archive whose members have been checked.

    Not `extractall`: its filter for foreign archives is not in every Python 3.11, and a plain file
    takes nothing from its member here but its bytes.
    """
    folder.mkdir()
    for member in archive:
        target = folder / member.name
        (target if member.isdir() else target.parent).mkdir(parents=True, exist_ok=True)
        if content := archive.extractfile(member):
            with content, target.open("xb") as out:
                shutil.copyfileobj(content, out)


def _most_unpacked(size: int, max_bytes: int) -> int:
    """Return how many bytes an archive of `size` bytes may unpack to."""
    return min(max_bytes, max(_UNPACK_FREE_BYTES, size * _UNPACK_RATIO))


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
            raise RefusedError(f"two members have the name '{display_name(member.name)}'")
        seen.add(key)
        total += member.size
        if total > max_bytes or len(seen) > max_members:
            limits = f"the limits are {max_bytes:,} and {max_members:,} (a bomb?)"
            raise RefusedError(f"it unpacks to {total:,} bytes or more in {len(seen):,} members, {limits}")
        if member.isfile():
            files.append(member.name)
    if not files:
        raise RefusedError("it holds no file")
    return files


def _check_tar_member(member: tarfile.TarInfo) -> None:
    if member.name not in (".", "./"):
        check_member_name(member.name)
    shown = display_name(member.name)
    if member.issym() or member.islnk():
        # Chained links have got past the standard library's own filter more than once.
        raise RefusedError(f"its member '{shown}' is a link to '{display_name(member.linkname)}'")
    if not (member.isfile() or member.isdir()) or member.issparse():
        raise RefusedError(f"its member '{shown}' is a device, pipe or sparse file")
    if member.offset_data - member.offset > _TAR_HEADER_BYTES:
        raise RefusedError(f"its member '{shown}' has a header of more than {_TAR_HEADER_BYTES:,} bytes")


class _IndexStream:
    """A zip as `ZipFile` opens it: it reads the whole index in one piece, however long that claims to be."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.opened = False

    def read(self, size: int = -1) -> bytes:
        if not self.opened and size > _MAX_INDEX_BYTES:
            raise RefusedError(f"its index claims {size:,} bytes, too many members")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def open_zip(stream: IO[bytes], size: int, max_bytes: int, max_members: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip of `size` bytes whose index keeps the caps; zipfile never unpacks more than it says."""
    watched = _IndexStream(stream)
    with zipfile.ZipFile(cast(IO[bytes], watched)) as archive:
        watched.opened = True
        _check_zip(archive, size, max_bytes, max_members)
        yield archive


def _check_zip(archive: zipfile.ZipFile, size: int, max_bytes: int, max_members: int) -> None:
    members = archive.infolist()
    if not members:
        raise RefusedError("the archive is empty")
    if len(members) > max_members:
        raise RefusedError(f"it has {len(members):,} members, the limit is {max_members:,}")
    twice, times = Counter(info.filename for info in members).most_common(1)[0]
    if times > 1:
        raise RefusedError(f"it has two members of one name, '{display_name(twice)}'")
    for info in members:
        check_member_name(info.filename)
        if info.flag_bits & 1:
            raise RefusedError(f"its member '{display_name(info.filename)}' is encrypted")
    for one, other in pairwise(sorted(members, key=lambda info: info.header_offset)):
        if one.header_offset + _ZIP_HEADER_BYTES + one.compress_size > other.header_offset:
            names = f"'{display_name(one.filename)}' and '{display_name(other.filename)}'"
            raise RefusedError(f"its members {names} overlap (a zip bomb?)")
    unpacked, limit = sum(info.file_size for info in members), _most_unpacked(size, max_bytes)
    if unpacked > limit:
        raise RefusedError(f"its {size:,} bytes unpack to {unpacked:,}, the limit is {limit:,} (a zip bomb?)")
