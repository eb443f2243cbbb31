"""Definitions kept by what they were drawn from, each with a code that only this user can make.

    <workspace>/cache/definitions/<digest>.json

A definition holds the gate: one that somebody edited must not be run. The code (HMAC-SHA256) is over the name
and the definition, so that neither a changed one nor a copy under another name is taken.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from boomerang.errors import BoomerangError
from boomerang.safeio import MAX_JSON_BYTES, as_json, load_json, read_bytes, write_json_atomic
from pipelines.definition.user_key import made_by_user, user_code

_PURPOSE = "definition"


def find(file: Path) -> dict[str, Any] | None:
    """Return a kept definition; None if there is none, or it is not as this user kept it, which is said."""
    if not file.exists():
        return None
    if (definition := _kept(file)) is None:
        said = f"the kept definition {file} was changed, or is not this user's: drawn anew"
        print(said, file=sys.stderr, flush=True)
    return definition


def was_changed(file: Path) -> bool:
    """Whether a kept definition is not as it was kept; of another user's, whether it is one at all."""
    return _read(file)[1] is False


def _kept(file: Path) -> dict[str, Any] | None:
    definition, own = _read(file)
    return definition if own else None


def _read(file: Path) -> tuple[dict[str, Any], bool | None]:
    """Return a kept definition, and whether this user kept it so; None if another user did."""
    try:
        content = load_json(file)
        definition: dict[str, Any] = content["definition"]
        if read_bytes(file, MAX_JSON_BYTES) != as_json(content):
            return {}, False
        return definition, made_by_user(content["code"], _PURPOSE, [file.stem, definition])
    except (BoomerangError, KeyError, OSError, TypeError, ValueError):
        return {}, False  # it is not even of the right form


def keep(file: Path, definition: dict[str, Any]) -> None:
    """Keep a definition, in place of one that is there."""
    code = user_code(_PURPOSE, [file.stem, definition])
    write_json_atomic(file, {"format": 1, "code": code, "definition": definition})
