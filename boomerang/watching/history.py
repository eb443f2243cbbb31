"""The metric history of watched models: a text file of `boomerang.watching.metric_names` data, one datum a
line.

    {"dimensions":{"Group":"boomerang"},"name":"CanaryAccuracy","time":"2026-01-01T06:00:00+00:00","value":1.0}

The canary's job leaves its data in this form; publishing sends it to CloudWatch, and a local run appends it
to the history that the local dashboard draws. A line counts once its newline is there. A canary's own
lines end with `CanaryRan`, so a run whose writer was killed between two lines is not taken for a whole one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from boomerang.digest import canonical_json
from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.safeio import parse_json, read_bytes
from boomerang.watching.metric_names import Datum

# Some 200 bytes a datum and ten data a canary: one every hour for decades.
MAX_HISTORY_BYTES = 256 << 20
_MAX_LINE_BYTES = 64 << 10
_KEYS = {"dimensions", "name", "time", "value"}


def as_line(datum: Datum) -> bytes:
    r"""Return a datum as a line with its newline; for any datum `from_line(as_line(d)) == d`.

    >>> from datetime import UTC
    >>> as_line(Datum("CanaryRan", 1.0, datetime(2026, 1, 1, tzinfo=UTC), (("Group", "g"),)))
    b'{"dimensions":{"Group":"g"},"name":"CanaryRan","time":"2026-01-01T00:00:00+00:00","value":1.0}\n'
    """
    content = {
        "dimensions": dict(datum.dimensions),
        "name": datum.name,
        "time": datum.time.isoformat(),
        "value": float(datum.value),
    }
    return canonical_json(content) + b"\n"


def from_line(line: bytes) -> Datum:
    """Return the datum of a line.

    Raises
    ------
    ValueError
        If it is none.
    UsageError
        If nobody publishes such a datum.
    """
    try:
        content = parse_json(line, "a line", _MAX_LINE_BYTES)
    except BadInput as error:
        raise ValueError(error.why) from None
    if not isinstance(content, dict) or content.keys() != _KEYS:
        raise ValueError(f"it does not have the keys {', '.join(sorted(_KEYS))} and no others")
    match content:
        case {
            "name": str(name),
            "value": float(value),
            "time": str(time),
            "dimensions": dict(dimensions),
        } if all(isinstance(word, str) for word in dimensions.values()):
            return Datum(name, value, datetime.fromisoformat(time), tuple(dimensions.items()))
    raise ValueError("one of its values is of another type")


def read_history(path: Path) -> tuple[Datum, ...]:
    """Return every datum of a history, in the order in which they were written.

    Raises
    ------
    BadInput
        If there is no such file.
    IntegrityError
        If a line is no datum, or the last one is unfinished: nothing is skipped.
    """
    if not os.path.lexists(path):
        why = "there is no such file"
        raise BadInput(f"{path}", why, "run a canary first: python -m pipelines canary")
    *lines, rest = history_bytes(path).split(b"\n")
    found = tuple(_parsed(path, number, line) for number, line in enumerate(lines, 1))
    if rest:
        why = "it is unfinished: its writer was killed"
        raise IntegrityError(f"{path}, line {len(lines) + 1}", why, "run the canary again, it sets it aside")
    return found


def history_bytes(path: Path) -> bytes:
    """Return the content of a history, empty where there is none; BadInput if it is no regular file."""
    if not os.path.lexists(path) or (path.is_file() and not path.stat().st_size):
        return b""
    return read_bytes(path, MAX_HISTORY_BYTES)


def _parsed(path: Path, number: int, line: bytes) -> Datum:
    try:
        return from_line(line)
    except (ValueError, UsageError) as error:
        why = " ".join(str(error).split())
        raise IntegrityError(f"{path}, line {number}, is no datum", why, "restore the file") from None


def append_history(path: Path, data: Iterable[Datum]) -> Path | None:
    """Add data to a history; nobody else may write to it meanwhile.

    An unfinished line that a killed writer has left is first moved to a file beside it.

    Returns
    -------
    Path or None
        That file, if there was such a line.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _set_aside(path)
    _append(path, b"".join(as_line(datum) for datum in data))
    return aside


def _append(path: Path, text: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _set_aside(path: Path) -> Path | None:
    content = history_bytes(path)
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return None
    aside = path.with_name(f"{path.name}.unfinished")
    _append(aside, content[whole:] + b"\n")
    os.truncate(path, whole)
    return aside
