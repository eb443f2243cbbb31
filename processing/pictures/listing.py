"""The files of a folder of pictures, in order, and the folders that may be read and written."""

from __future__ import annotations

import re
from pathlib import Path

from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.manifest import MANIFEST, read_manifest
from boomerang.safeio import PICTURE_FORMATS, real_path

KIND = "pictures"


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Sort key that puts `rb-2` before `rb-10`; names that tie there go by their code points.

    >>> sorted(["rb-10.png", "rb-2.png", "Rb-2.png"], key=natural_key)
    ['Rb-2.png', 'rb-2.png', 'rb-10.png']
    """
    pieces = re.split(r"([0-9]+)", name.casefold())
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], name


def listed(source: Path) -> list[Path]:
    """Return the files of a folder in natural order; raises BadInput where there is none."""
    try:
        names = [path for path in source.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise BadInput(f"cannot read {source}", error.strerror or "", "make the folder readable") from error
    if not names:
        raise BadInput(f"cannot use {source}", "the folder is empty", f"put {PICTURE_FORMATS} files in it")
    return sorted(names, key=lambda path: natural_key(path.name))


def hidden(source: Path) -> list[str]:
    """Return the names that `listed` passes over, in order: those that begin with a dot."""
    return sorted((path.name for path in source.glob(".*")), key=natural_key)


def check_places(source: Path, out: Path) -> None:
    """Check that one folder can be read and the other made.

    Raises
    ------
    BadInput
        When `source` is no folder.
    UsageError
        When `out` lies in it or around it, or is something that this project has not made.
    """
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
    """Whether `out` is empty, or an output of ours to which nobody has added a file."""
    if not out.is_dir():
        return False
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not any(out.iterdir()):
        return True
    try:
        manifest = read_manifest(out)
    except (IntegrityError, OSError):
        return False
    return manifest.kind == KIND and found <= {*manifest.files, MANIFEST}
