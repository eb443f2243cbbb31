"""Content digests: sha256 over bytes, files, folders and canonical JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from boomerang.errors import BadInput
from boomerang.shown import display_name

_BLOCK_BYTES = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """Return the sha256 of `data` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's content, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


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
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest_json([[_name(p, path), sha256_file(p)] for p in files])


def _name(file: Path, folder: Path) -> str:
    name = file.relative_to(folder).as_posix()
    if any("\ud800" <= char <= "\udfff" for char in name):  # Python's stand-in for a byte that is none
        raise BadInput(f"the name '{display_name(name)}' in {folder}", "it is not UTF-8", "rename it")
    return name
