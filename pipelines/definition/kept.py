"""Definitions kept by what they were drawn from, each with a code that only this user can make.

    <workspace>/cache/definitions/<digest>.json

A definition holds the gate: one that somebody edited must not be run. The code (HMAC-SHA256) is over the name
and the definition, so that neither a changed one nor a copy under another name is taken.
"""

from __future__ import annotations

import hmac
import sys
from pathlib import Path
from typing import Any

from boomerang.digest import canonical_json
from boomerang.errors import BoomerangError
from boomerang.safeio import load_json, write_json_atomic


def find(file: Path, key: bytes) -> dict[str, Any] | None:
    """Return a kept definition; None if there is none, or it is not as this user kept it, which is said."""
    if not file.exists():
        return None
    try:
        content = load_json(file)
        definition: dict[str, Any] = content["definition"]
        if hmac.compare_digest(content["code"], _code(file.stem, definition, key)):
            return definition
    except (BoomerangError, KeyError, TypeError, ValueError):
        pass  # it is not even of the right form
    said = f"the kept definition {file} was changed, or is not this user's: drawn anew"
    print(said, file=sys.stderr, flush=True)
    return None


def keep(file: Path, definition: dict[str, Any], key: bytes) -> None:
    """Keep a definition, in place of one that is there."""
    code = _code(file.stem, definition, key)
    write_json_atomic(file, {"format": 1, "code": code, "definition": definition})


def _code(name: str, definition: dict[str, Any], key: bytes) -> str:
    return hmac.digest(key, canonical_json([name, definition]), "sha256").hex()
