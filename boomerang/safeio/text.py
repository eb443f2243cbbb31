"""JSON and TOML: read with caps on size and depth, and JSON written in one piece."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any

from boomerang.safeio.files import RefusedError, reading, regular_file, said, write_bytes_atomic
from boomerang.shown import display_name

MAX_JSON_BYTES = 64 << 20
MAX_TOML_BYTES = 1 << 20
MAX_DEPTH = 64


def load_json(path: Path, max_bytes: int = MAX_JSON_BYTES, *, allow_nan: bool = False) -> Any:
    """Return the value of a JSON file.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Larger files are refused.
    allow_nan : bool
        Take NaN and infinities, which are not JSON but which Python and some tools write.

    Raises
    ------
    BadInput
        When it is not UTF-8 JSON, a key stands twice in one object, a number is not finite, or it
        is nested deeper than 64.
    """
    with reading(path, "correct the JSON"):
        text = _text(path, max_bytes)
        try:
            value = json.loads(text, object_pairs_hook=_unique_keys)
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"it is not JSON ({said(error)})") from None
        _check_value(value, allow_nan)
        _check_unicode(text, value)
        return value


def _check_unicode(text: str, value: Any) -> None:
    """Refuse an escape of half a character, which nothing can write again."""
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise RefusedError(f"it holds half a character ({said(error)})") from None


def load_toml(path: Path, max_bytes: int = MAX_TOML_BYTES, *, allow_nan: bool = False) -> dict[str, Any]:
    """Return the table of a TOML file; the refusals are those of `load_json`."""
    with reading(path, "correct the TOML"):
        text = _text(path, max_bytes)
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"it is not TOML ({said(error)})") from None
        _check_value(table, allow_nan)
        return table


def _text(path: Path, max_bytes: int) -> str:
    with regular_file(path, max_bytes) as (stream, size):
        data = stream.read(size)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"it is not UTF-8 text (byte {error.start})") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The last of two equal keys wins in Python, the first elsewhere: what one tool checks is then
    # not what another uses.
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RefusedError(f"the key '{display_name(twice)}' stands twice in one object")
    return table


def _check_value(value: Any, allow_nan: bool) -> None:
    """Refuse deep nesting and, unless allowed, numbers that are not finite (`1e999` is one too)."""
    todo: list[tuple[Any, int]] = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise RefusedError(f"it is nested deeper than {MAX_DEPTH}")
        if isinstance(item, dict):
            todo.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            todo.extend((inner, depth + 1) for inner in item)
        elif isinstance(item, float) and not allow_nan and not math.isfinite(item):
            raise RefusedError(f"it holds a number that is not finite ({item})")


def write_json_atomic(path: Path, value: Any) -> None:
    """Write a value as indented JSON with sorted keys, in one piece.

    Raises
    ------
    ValueError
        If the value holds NaN or an infinity, which JSON cannot carry.
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes_atomic(path, text.encode() + b"\n")
