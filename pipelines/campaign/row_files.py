"""Rows of the training set that an entry names in a file, one number a line."""

from __future__ import annotations

from pathlib import Path

from boomerang.errors import BadInput
from boomerang.safeio import display_name, read_bytes

_MAX_BYTES = 64 << 20


def load_rows(file: Path) -> list[int]:
    """Return the numbers of a text file, a line each; blank lines, and what follows a `#`, are passed over.

    Raises
    ------
    BadInput
        If the file cannot be read, names no row, or a line is no whole number.
    """
    rows = []
    for number, line in enumerate(read_bytes(file, _MAX_BYTES).decode(errors="replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        # Not `isdigit`: a superscript is one, and no number.
        if text and not (text.isdecimal() and len(text) <= 18):
            why = f"line {number} is '{display_name(text)}'"
            raise BadInput(f"{file}", why, "give a row's number a line, from 0")
        if text:
            rows.append(int(text))
    if not rows:
        raise BadInput(f"{file}", "it names no row", "give a row's number a line, from 0")
    return rows
