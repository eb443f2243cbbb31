"""The run's stand-in for S3: addresses to files, hard links instead of copies, packing a model.

Files that are in the store are read-only and shared by hard link with the cache and with the jobs
that read them. A job that writes into one all the same is found out by `fingerprint`.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from boomerang.digest import digest_json, sha256_bytes, sha256_file
from boomerang.errors import BadInput
from boomerang.manifest import FileEntry

READ_ONLY = 0o444
_BLOCK_BYTES = 1 << 20

Files = Mapping[str, FileEntry]


@dataclass(frozen=True)
class Made:
    """A finished output: a folder, or a single packed file, with the digests of its files."""

    name: str
    path: Path
    files: Files

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()


def digest_files(files: Files) -> str:
    """Return the digest of a folder with these files: what `boomerang.digest.digest_tree` gives for it."""
    names = sorted(files, key=PurePosixPath)
    return digest_json([[name, files[name].sha256] for name in names])


@dataclass
class Store:
    """What lies at which `s3://` address of one run.

    Attributes
    ----------
    root : Path
        Folder of the run; `s3://bucket/key` is `root/bucket/key`.
    objects : dict
        Digest and size of every file by its full address.
    folders : set
        Addresses that are there as a folder, if only an empty one.
    places : dict
        Where the content of each address that was put or noted can be read: a file, a folder, or the bytes.
    """

    root: Path
    objects: dict[str, FileEntry] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    places: dict[str, Path | bytes] = field(default_factory=dict)

    def path(self, uri: str) -> Path:
        """Return where an address lies on disk, whether or not something is there."""
        scheme, _, key = uri.partition("://")
        parts = key.rstrip("/").split("/")
        if scheme != "s3" or any(part in ("", ".", "..") for part in parts):
            raise BadInput(f"address '{uri}'", "it is no s3://bucket/key", "correct it in the definition")
        return self.root.joinpath(*parts)

    def files(self, uri: str) -> dict[str, FileEntry]:
        """Return the files at or below an address, by name relative to it (a file: by its own name).

        Raises
        ------
        BadInput
            If nothing is there.
        """
        uri = uri.rstrip("/")
        if uri in self.objects:
            return {PurePosixPath(uri).name: self.objects[uri]}
        prefix = uri + "/"
        found = {
            key.removeprefix(prefix): entry for key, entry in self.objects.items() if key.startswith(prefix)
        }
        if not found and uri not in self.folders:
            raise BadInput(f"nothing is at {uri}", "no step wrote there and nothing was staged there")
        return found

    def digest(self, uri: str) -> str:
        """Return the content digest of a file, or of everything below an address."""
        uri = uri.rstrip("/")
        return self.objects[uri].sha256 if uri in self.objects else digest_files(self.files(uri))

    def read(self, uri: str) -> bytes:
        """Return the content of a file at an address, also of one that was only noted.

        Raises
        ------
        BadInput
            If nothing is there.
        """
        parts = uri.split("/")
        for end in range(len(parts), 0, -1):
            place = self.places.get("/".join(parts[:end]))
            if isinstance(place, bytes):
                return place
            if place is not None and place.joinpath(*parts[end:]).is_file():
                return place.joinpath(*parts[end:]).read_bytes()
        raise BadInput(f"nothing is at {uri}", "no step wrote there and nothing was staged there")

    def stage(self, uri: str, source: Path | bytes) -> None:
        """Copy a file, a folder or bytes of the user's to an address.

        They are copied and not linked: a user who edits the file later must not edit the run.

        Raises
        ------
        BadInput
            If it does not exist, or a link in the folder leads out of it.
        """
        uri, target = uri.rstrip("/"), self.path(uri)
        self.places[uri] = target
        if isinstance(source, bytes):
            write_read_only(target, source)
            self.objects[uri] = FileEntry(sha256=sha256_bytes(source), bytes=len(source))
        elif source.is_dir():
            self.folders.add(uri)
            target.mkdir(parents=True, exist_ok=True)
            for name, file in plain_files(source, links_inside=True):
                self.objects[f"{uri}/{name}"] = copy_file(file, target / name)
        elif source.is_file():
            self.objects[uri] = copy_file(source, target)
        else:
            raise _absent(source)

    def expect(self, uri: str, source: Path | bytes) -> None:
        """Note what `stage` would put at an address, without putting it there."""
        if isinstance(source, bytes):
            uri = uri.rstrip("/")
            self.places[uri] = source
            self.objects[uri] = FileEntry(sha256=sha256_bytes(source), bytes=len(source))
        elif source.is_dir():
            files = {name: file_entry(file) for name, file in plain_files(source, links_inside=True)}
            self.know(uri, source, files)
        elif source.is_file():
            self.know(uri, source, {source.name: file_entry(source)})
        else:
            raise _absent(source)

    def adopt(self, uri: str, source: Path, files: Files) -> None:
        """Link finished files (a folder, or the one file) to an address.

        Raises
        ------
        BadInput
            If something is there already: two steps must not mix their outputs.
        """
        uri, target = uri.rstrip("/"), self.path(uri)
        if uri in self.folders or uri in self.objects:
            raise BadInput(f"output {uri}", "another step has written there", "give each its own address")
        self.know(uri, source, files)
        self.places[uri] = target  # the source will go
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            for name in files:
                link_file(source / name, target / name)
        else:
            link_file(source, target)

    def know(self, uri: str, path: Path, files: Files) -> None:
        """Note that an address holds what lies elsewhere: a folder with these files, or the one file."""
        uri = uri.rstrip("/")
        self.places[uri] = path
        if path.is_dir():
            self.folders.add(uri)
            self.objects.update({f"{uri}/{name}": entry for name, entry in files.items()})
        else:
            self.objects[uri] = next(iter(files.values()))

    def give(self, uri: str, folder: Path) -> None:
        """Link what an address holds into a job's input folder."""
        source = self.path(uri)
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.files(uri):
            link_file(source if source.is_file() else source / name, folder / name)

    def fingerprint(self, uri: str) -> tuple[tuple[str, int, int], ...]:
        """Return name, size and time of change of the files at an address: cheap to compare."""
        source = self.path(uri)
        stats = {name: (source if source.is_file() else source / name).stat() for name in self.files(uri)}
        return tuple((name, s.st_size, s.st_mtime_ns) for name, s in sorted(stats.items()))


def _absent(source: Path) -> BadInput:
    return BadInput(f"{source}", "there is no such file or folder", "correct the path")


def file_entry(path: Path) -> FileEntry:
    """Return digest and size of a file."""
    return FileEntry(sha256=sha256_file(path), bytes=path.stat().st_size)


def plain_files(folder: Path, *, links_inside: bool = False) -> Iterator[tuple[str, Path]]:
    """Give every file below a folder with its relative name, in order.

    Parameters
    ----------
    folder : Path
    links_inside : bool
        Take links to files inside the folder for the files themselves.

    Raises
    ------
    BadInput
        At any other link, and at a device, pipe or socket.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            inside = path.resolve().is_relative_to(folder.resolve())
            if not (links_inside and inside and path.is_file()):
                raise BadInput(
                    f"{path} is a link", f"it leads to {path.readlink()}", "put the file itself there"
                )
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            yield name, path
        elif not stat.S_ISDIR(mode):
            raise BadInput(f"{path}", "it is neither a file nor a folder", "take it out")


def entries(path: Path) -> dict[str, FileEntry]:
    """Return digest and size of a file, or of every file below a folder, by name; nothing is changed."""
    found = [(path.name, path)] if path.is_file() else plain_files(path)
    return {name: file_entry(file) for name, file in found}


def seal(path: Path) -> dict[str, FileEntry]:
    """Make a file, or every file below a folder, read-only and return their digests and sizes."""
    for _, file in [(path.name, path)] if path.is_file() else plain_files(path):
        file.chmod(READ_ONLY)
    return entries(path)


def link_file(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it where the file system cannot link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except FileExistsError:
        target.unlink()
        link_file(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(READ_ONLY)


def copy_file(source: Path, target: Path) -> FileEntry:
    """Copy a file read-only; the digest is of the very bytes that were copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, target.open("xb") as writing:
        while block := reading.read(_BLOCK_BYTES):
            digest.update(block)
            writing.write(block)
            size += len(block)
    target.chmod(READ_ONLY)
    return FileEntry(sha256=digest.hexdigest(), bytes=size)


def write_read_only(path: Path, data: bytes) -> None:
    """Write a small file that nobody is to change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    path.chmod(READ_ONLY)


def pack(folder: Path, target: Path) -> None:
    """Pack a folder as SageMaker packs `/opt/ml/model`, but so that equal folders give equal archives.

    Members are in order, without times and owners.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        # Weights hardly compress: a higher level costs seconds for one percent.
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, file in plain_files(folder):
            member = tarfile.TarInfo(name)
            member.size, member.mode = file.stat().st_size, 0o644
            with file.open("rb") as stream:
                archive.addfile(member, stream)
