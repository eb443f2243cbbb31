"""A dataset is a folder: `x.npy`, `y.npy` and `manifest.json`, which is written last and commits it.

Where it is known who delivered the rows, `sources.npy` says it of each, and the manifest has the names;
`vouched.npy` is what they say that each row is, should they have said it.

The manifest names the classes, the shape, the digest and size of each file, the digests of the
datasets it was made from, and the recipe and seed that made it. Same recipe, same seed, same
parents: byte-identical folder. It is written in one way only and holds its own digest, so that it cannot be
changed in part either. Who writes it anew makes another folder, which a signature, or who knows the
digest, tells from this one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from boomerang.digest import canonical_json, sha256_bytes, sha256_file
from boomerang.errors import BadInput, IntegrityError
from boomerang.safeio import MAX_JSON_BYTES, in_one_piece, load_npy, parse_json, read_bytes

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
X_FILE, Y_FILE, SOURCES_FILE, VOUCHED_FILE = "x.npy", "y.npy", "sources.npy", "vouched.npy"
# The kind of a folder of images with their labels.
DATASET = "dataset"

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Digests = npt.NDArray[np.uint8]
# Numbers of rows; a class for each, where a model calls it; and which of them.
Rows = npt.NDArray[np.int64]
Calls = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class FileEntry(BaseModel):
    """Digest and size of one file of the folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(BaseModel):
    """What a dataset folder holds and where it came from.

    Attributes
    ----------
    name : str
        What the data is, e.g. `cifar10`. It goes with every number that comes from it.
    kind : str
        `dataset` (x and y), or another kind of committed folder (`pictures`, `screen`, ...).
    classes : tuple of str
        The class names; a label is an index into them.
    shape : tuple of int
        Shape of `x`, (N, H, W, C).
    files : mapping
        Every file of the folder but the manifest and its signature.
    parents : mapping
        Digest of each committed folder this one was made from.
    recipe : mapping
        The parameters that made it, as plain JSON.
    seed : int or None
        The seed that made it, where one was used.
    refused : tuple
        Foreign files that were not taken, each with the reason.
    source_names : tuple of str
        Who delivered the rows of a dataset; none where that is not known, and then the manifest is written
        without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    name: str
    kind: str = DATASET
    classes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    files: dict[str, FileEntry] = {}
    parents: dict[str, str] = {}
    recipe: dict[str, Any] = {}
    seed: int | None = None
    refused: tuple[dict[str, str], ...] = ()
    source_names: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)

    @property
    def digest(self) -> str:
        """Sha256 of the manifest's canonical JSON: it names the whole folder by content."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json")))


class _Written(Manifest):
    """A manifest as it stands in its file: with its own digest, but for those signed before it had one."""

    told: str = Field("", alias="digest")

    @property
    def manifest(self) -> Manifest:
        return Manifest.model_construct(**{name: getattr(self, name) for name in Manifest.model_fields})


@dataclass(frozen=True)
class Dataset:
    """A committed dataset folder, its arrays memory-mapped on first use."""

    path: Path
    manifest: Manifest

    @cached_property
    def x(self) -> Images:
        """uint8[N, H, W, C], 0..255."""
        return _mapped(self.path / X_FILE, np.dtype(np.uint8), self.manifest.shape)

    @cached_property
    def y(self) -> Labels:
        """int64[N], an index into `classes`."""
        return _mapped(self.path / Y_FILE, np.dtype(np.int64), self.manifest.shape[:1])

    @cached_property
    def sources(self) -> Rows | None:
        """int64[N], an index into `source_names`, -1 for a row of nobody; None where no source is known."""
        if not self.manifest.source_names:
            return None
        return _mapped(self.path / SOURCES_FILE, np.dtype(np.int64), self.manifest.shape[:1])

    @cached_property
    def vouched(self) -> Digests | None:
        """uint8[N, 32], the `row_digests` that sources vouch for, 0 for none; None where none vouches."""
        if VOUCHED_FILE not in self.manifest.files:
            return None
        return _mapped(self.path / VOUCHED_FILE, np.dtype(np.uint8), (len(self), 32))

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return self.manifest.classes

    def __len__(self) -> int:
        return self.manifest.shape[0]


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    try:
        array = load_npy(path, mmap=True)
    except BadInput as error:
        raise IntegrityError(f"{path} cannot be read", error.why, "make the dataset again") from error
    if array.dtype != dtype or array.shape != shape:
        why = f"it holds {array.dtype}{list(array.shape)}, its manifest says {dtype}{list(shape)}"
        raise IntegrityError(f"{path} does not fit its manifest", why, "make the dataset again")
    return array


def committing(path: Path) -> AbstractContextManager[Path]:
    """Give a scratch folder that becomes `path` when the block ends well, and vanishes when not.

    A reader that goes by the manifest sees the old folder, none, or the new one, never a half.
    """
    return in_one_piece(path, last=MANIFEST)


def file_entries(folder: Path) -> dict[str, FileEntry]:
    """Return the entry of every file below `folder`, by relative name.

    The manifest itself is left out, and so is its signature, which is made after it: a folder has the
    same digest signed or not (see `boomerang.signing`).
    """
    beside = (folder / MANIFEST, folder / SIGNATURE)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p not in beside)
    return {
        p.relative_to(folder).as_posix(): FileEntry(sha256=sha256_file(p), bytes=p.stat().st_size)
        for p in files
    }


def commit(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest of a folder whose files are all there, and return it with their entries."""
    complete = manifest.model_copy(update={"files": file_entries(folder)})
    part = folder / f".{MANIFEST}.part"
    part.write_bytes(as_text(complete))
    part.replace(folder / MANIFEST)
    return complete


def as_text(manifest: Manifest) -> bytes:
    """Return the one text that a manifest has, with its own digest."""
    content = {**manifest.model_dump(mode="json"), "digest": manifest.digest}
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def write_dataset(
    path: Path,
    x: Images,
    y: Labels,
    *,
    name: str,
    classes: tuple[str, ...],
    parents: Mapping[str, str] | None = None,
    recipe: Mapping[str, Any] | None = None,
    seed: int | None = None,
    refused: tuple[dict[str, str], ...] = (),
) -> Dataset:
    """Write a dataset folder in one piece.

    Parameters
    ----------
    path : Path
        The folder; an older one there is replaced.
    x : uint8[N, H, W, C], 0..255
    y : int64[N], each in [0, len(classes))
    name, classes, parents, recipe, seed, refused
        See `Manifest`.

    Raises
    ------
    BadInput
        If an array is not of that dtype and shape, or a label has no class.
    """
    check_arrays(x, y, classes)
    manifest = Manifest(
        name=name,
        classes=classes,
        shape=x.shape,
        parents=dict(parents or {}),
        recipe=dict(recipe or {}),
        seed=seed,
        refused=refused,
    )
    with committing(path) as scratch:
        np.save(scratch / X_FILE, np.ascontiguousarray(x), allow_pickle=False)
        np.save(scratch / Y_FILE, np.ascontiguousarray(y), allow_pickle=False)
        manifest = commit(scratch, manifest)
    return Dataset(path, manifest)


def check_arrays(x: Images, y: Labels, classes: tuple[str, ...]) -> None:
    """Refuse arrays that are not of a dataset's dtype and shape, or a label without a class, as BadInput."""
    if x.dtype != np.uint8 or x.ndim != 4:
        raise BadInput("images", f"got {x.dtype}{list(x.shape)}", "give uint8[N, H, W, C]")
    if y.dtype != np.int64 or y.shape != x.shape[:1]:
        raise BadInput("labels", f"got {y.dtype}{list(y.shape)} for {len(x)} images", "give int64[N]")
    if len(y) and not (int(y.min()) >= 0 and int(y.max()) < len(classes)):
        why = f"they span {y.min()}..{y.max()}, the classes are {len(classes)}"
        raise BadInput("labels", why, "give each label a class name")


def read_manifest(path: Path) -> Manifest:
    """Read and check the manifest of a committed folder.

    Raises
    ------
    IntegrityError
        If it is missing (the folder was never finished), malformed, or not as it was written.
    """
    file = path / MANIFEST
    if not os.path.lexists(file):
        why = "it has no manifest, so it was never finished"
        raise IntegrityError(f"{path} is no committed folder", why, "run the step that makes it")
    try:
        text = read_bytes(file, MAX_JSON_BYTES)
        written = _Written.model_validate(parse_json(text, file))
    except BadInput as error:
        raise IntegrityError(f"{file} is malformed", error.why, "run the step that makes it again") from None
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise IntegrityError(f"{file} is malformed", why, "run the step that makes it again") from None
    if written.told and text != as_text(written.manifest):
        raise IntegrityError(f"{path} is not what was made", f"{MANIFEST} has been changed", "make it again")
    return written.manifest


def verify_folder(path: Path, digest: str | None = None) -> Manifest:
    """Check every file of a committed folder of any kind against its manifest, and return that.

    Parameters
    ----------
    path : Path
    digest : str, optional
        The digest that the manifest must have.

    Raises
    ------
    IntegrityError
        Naming each file that is changed, missing, or not in the manifest; or if it is another folder than
        that of the digest.
    """
    manifest = read_manifest(path)
    found = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if not p.is_dir()}
    beside = {MANIFEST, SIGNATURE}
    wrong = [f"{name} is missing" for name in manifest.files.keys() - found.keys()]
    wrong += [f"{name} is not in the manifest" for name in found.keys() - manifest.files.keys() - beside]
    wrong += [
        f"{name} has been changed"
        for name in manifest.files.keys() & found.keys()
        if not _is_as_made(found[name], manifest.files[name])
    ]
    if wrong:
        raise IntegrityError(f"{path} is not what was made", "; ".join(sorted(wrong)), "make it again")
    if digest not in (None, manifest.digest):
        why = f"its digest is {manifest.digest}, expected {digest}"
        raise IntegrityError(f"{path} is not the folder it should be", why, "fetch the one that is meant")
    return manifest


def _is_as_made(file: Path, entry: FileEntry) -> bool:
    """Whether a file is what its entry says; one of another size, which may be endless, is not read."""
    if not file.is_file() or file.stat().st_size != entry.bytes:
        return False
    return sha256_file(file) == entry.sha256


def opened(folder: Path, digest: str | None = None) -> Dataset:
    """Verify a committed dataset and open it: nothing is read of one that is not, to the byte, what was made.

    Parameters
    ----------
    folder, digest
        See `verify_folder`.

    Raises
    ------
    IntegrityError
        As `verify_folder` does; also if it is a committed folder of another kind.
    """
    manifest = verify_folder(folder, digest)
    if manifest.kind != DATASET or len(manifest.shape) != 4:
        why = f"its manifest says it is a {manifest.kind} of shape {list(manifest.shape)}"
        raise IntegrityError(f"{folder} is no dataset", why, "give a folder of images with their labels")
    return Dataset(folder, manifest)


def opened_below(folder: Path) -> dict[str, Dataset]:
    """Verify and open every dataset right below a folder, by name; a folder in it that is none is refused."""
    paths = sorted(path for path in folder.iterdir() if (path / MANIFEST).is_file())
    return {path.name: opened(path) for path in paths}
