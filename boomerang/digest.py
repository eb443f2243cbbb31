"""Content digests: sha256 over bytes, files, folders and canonical JSON."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from boomerang.errors import BadInput
from boomerang.shown import display_name

# The largest file that any reader of ours takes; a larger one, which need not lie on a disk, is not hashed.
MAX_FILE_BYTES = 32 << 30
_BLOCK_BYTES = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the sha256 of a regular file's content, read in blocks.

    Raises
    ------
    BadInput
        If it is a device, pipe or socket, or has more than 32 GiB.
    """
    digest = hashlib.sha256()
    with _opened(path) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    # `boomerang.safeio` does the same, and imports this module. Opened so, a pipe does not wait for a writer.
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)), "rb")
    found = os.fstat(stream.fileno())
    why = "" if stat.S_ISREG(found.st_mode) else "it is a device, pipe or socket"
    if found.st_size > MAX_FILE_BYTES:
        why = f"it has {found.st_size:,} bytes, the limit is {MAX_FILE_BYTES:,}"
    if why:
        stream.close()
        raise BadInput(f"cannot use {path}", why, "take it out")
    return stream


def canonical_json(value: Any) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8, no NaN.

    Raises
    ------
    ValueError
        If the value holds NaN or an infinity, which JSON cannot carry.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest_json(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return sha256_bytes(canonical_json(value))


def digest_tree(path: Path) -> str:
    """Return one digest of a file, or of every file below a folder with its relative name.

    Two trees have the same digest if and only if they hold the same names with the same bytes
    (empty folders do not count, nor do times and modes).

    Raises
    ------
    BadInput
        If a name is not UTF-8: it could stand in no record.
    """
    if path.is_file():
        return sha256_file(path)
    return digest_names(tree_names(path))


def tree_names(path: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder by its relative name."""
    return {_name(each, path): sha256_file(each) for each in path.rglob("*") if each.is_file()}


def _name(file: Path, folder: Path) -> str:
    name = file.relative_to(folder).as_posix()
    if any("\ud800" <= char <= "\udfff" for char in name):  # Python's stand-in for a byte that is none
        raise BadInput(f"the name '{display_name(name)}' in {folder}", "it is not UTF-8", "rename it")
    return name


def digest_names(names: Mapping[str, str]) -> str:
    """Return what `digest_tree` gives for a folder that holds files of these names and sha256."""
    return digest_json([[name, names[name]] for name in sorted(names, key=PurePosixPath)])
