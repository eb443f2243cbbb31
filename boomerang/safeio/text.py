"""JSON and TOML: read with caps on size, depth and number of values, and JSON written in one piece.

What costs a parser more than its length, such as a key of many parts, is refused before it parses.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from boomerang.safeio.files import RefusedError, reading, regular_file, said, write_bytes_atomic
from boomerang.shown import display_name

MAX_JSON_BYTES = 32 << 20
MAX_JSON_VALUES = 2_000_000
MAX_TOML_BYTES = 256 << 10
MAX_DEPTH = 64

_DO_JSON, _DO_TOML = "correct the JSON", "correct the TOML"
# No count, size or seed comes near; a longer one only stalls whoever prints it.
_MAX_NUMBER_BITS = 128

# tomllib takes the square of the number of a key's parts. A possessive quantifier tries no part twice.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_DEPTH}}}")


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
        When it is not a regular file of UTF-8 JSON, a key stands twice in one object, a number is not
        finite or has more than 38 digits, a text is no Unicode, it is nested deeper than 64, or it holds
        more than 2,000,000 values.
    """
    with reading(path, _DO_JSON):
        return json_value(_content(path, max_bytes), allow_nan)


def parse_json(data: bytes, name: str | Path, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the value of JSON that is in memory; `name` is what a refusal calls it, see `load_json`."""
    with reading(Path(name), _DO_JSON):
        if len(data) > max_bytes:
            raise RefusedError(f"it has {len(data):,} bytes, the limit is {max_bytes:,}")
        return json_value(data, allow_nan=False)


def json_value(data: bytes, allow_nan: bool = False) -> Any:
    """Return the value of JSON, or raise RefusedError; see `load_json`."""
    # Each value but the first comes after one of these; some may stand inside a text.
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_JSON_VALUES:
        raise RefusedError(f"it holds more than {MAX_JSON_VALUES:,} values")
    text = _text(data)
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"it is not JSON ({said(error)})") from None
    _check_value(value, allow_nan)
    if re.search(r"\\u[dD][89a-fA-F]", text):
        _check_unicode(value)
    return value


def load_toml(path: Path, max_bytes: int = MAX_TOML_BYTES, *, allow_nan: bool = False) -> dict[str, Any]:
    """Return the table of a TOML file; the refusals are those of `load_json`."""
    with reading(path, _DO_TOML):
        text = _text(_content(path, max_bytes))
        if _LONG_KEY.search(text):
            raise RefusedError(f"it has a key of more than {MAX_DEPTH} parts")
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise RefusedError(f"it is not TOML ({said(error)})") from None
        _check_value(table, allow_nan)
        return table


def _content(path: Path, max_bytes: int) -> bytes:
    with regular_file(path, max_bytes) as (stream, size):
        return stream.read(size)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"it is not UTF-8 text (byte {error.start})") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The last of two equal keys wins in Python, the first elsewhere: what one tool checks is then
    # not what another uses.
    table = dict(pairs)
    if len(table) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise RefusedError(f"the key '{display_name(twice)}' stands twice in one object")
    return table


def _check_value(value: Any, allow_nan: bool) -> None:
    """Refuse deep nesting, long numbers and, unless allowed, those not finite (`1e999` is one too)."""
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
        elif isinstance(item, int) and item.bit_length() > _MAX_NUMBER_BITS:
            raise RefusedError("it holds a number of more than 38 digits")


def _check_unicode(value: Any) -> None:
    """Refuse half of a surrogate pair, which JSON can spell and no file or terminal can hold."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend((*item.keys(), *item.values()))
        elif isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, str) and re.search(r"[\ud800-\udfff]", item):
            raise RefusedError(f"the text '{display_name(item[:80])}' is no Unicode (a lone surrogate)")


def write_json_atomic(path: Path, value: Any, *, scratch: Path | None = None) -> None:
    """Write a value as indented JSON with sorted keys, in one piece; see `write_bytes_atomic`.

    Raises
    ------
    ValueError
        If the value holds NaN or an infinity, which JSON cannot carry.
    """
    write_bytes_atomic(path, as_json(value), scratch=scratch)


def as_json(value: Any) -> bytes:
    """Return the text that `write_json_atomic` writes of a value; raises ValueError as it does."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"
