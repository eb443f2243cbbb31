"""Tables as text: comma, semicolon or tab separated values with a line of names, read with caps."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boomerang.safeio.files import RefusedError, check_member_name, reading, regular_file, said
from boomerang.shown import display_name

MAX_TABLE_BYTES = 32 << 20
MAX_TABLE_CELLS = 2_000_000
MAX_CELL_CHARS = 1_000

_DO = "correct it: CSV in UTF-8, a line of column names, then a line a row of plain values"
_SEPARATORS = ",;\t|"
_MOST_COLUMNS = 1_000
# A spreadsheet runs what begins so; a number may have a sign.
_FORMULA = re.compile(r"[=@]|[+-](?![\d.]*$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# What a name has that may be absolute or climb out.
_TRICKY = re.compile(r"^[/\\]|\.\.|:")


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes
    ----------
    columns : mapping of str to tuple of str
        By their names as they stand there, all of one length.
    lines : tuple of int
        The line of the file that each row begins on, from 1.
    """

    columns: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.lines)


def table_columns(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns; nothing else of it is read.

    Raises
    ------
    BadInput
        If it cannot be one; see `load_table`.
    """
    with reading(path, _DO), regular_file(path, MAX_TABLE_BYTES) as (stream, _):
        line = stream.readline(_MOST_COLUMNS * MAX_CELL_CHARS)
        return _header(_text(line))[0]


def load_table(path: Path, wanted: tuple[str, ...], files: str = "", most: int = MAX_TABLE_CELLS) -> Table:
    """Return some columns of a table.

    Values are stripped of white space around them. The separator is that one of comma, semicolon, tab and
    vertical bar which stands most often in the first line.

    Parameters
    ----------
    path : Path
    wanted : tuple of str
        Names of columns, as `table_columns` gives them.
    files : str
        The wanted column, if one is, that names files below a folder.
    most : int
        Rows; those behind are not looked at.

    Raises
    ------
    BadInput
        When it is no regular file of UTF-8 text, too large, or a row has more or fewer values than columns;
        when a value of a wanted column is a formula, holds control characters or is very long, or the name of
        a file is absolute or climbs out.
    """
    with reading(path, _DO), regular_file(path, MAX_TABLE_BYTES) as (stream, size):
        text = _text(stream.read(size))
        names, separator = _header(text.partition("\n")[0])
        if text.count(separator) + text.count("\n") > MAX_TABLE_CELLS:
            raise RefusedError(f"it holds more than {MAX_TABLE_CELLS:,} values")
        twice = next((name for name in wanted if names.count(name) > 1), None)
        if twice is not None:
            raise RefusedError(f"it has two columns '{display_name(twice)}'")
        places = [names.index(name) for name in wanted]
        rows: list[list[str]] = []
        lines: list[int] = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            next(reader, None)
            for row in reader:
                if len(rows) == most:
                    break
                if row:
                    lines.append(reader.line_num)
                    rows.append(_values(row, names, places, files, reader.line_num))
        except csv.Error as error:
            raise RefusedError(f"line {reader.line_num} is damaged ({said(error)})") from None
    columns = zip(*rows, strict=True) if rows else ((),) * len(wanted)
    return Table(dict(zip(wanted, columns, strict=True)), tuple(lines))


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"it is not UTF-8 text (byte {error.start})") from None
    if "\0" in text:
        raise RefusedError("it is no text: it holds zero bytes")
    return text


def _header(line: str) -> tuple[tuple[str, ...], str]:
    """Return the names of the columns, and what separates them."""
    separator = max(_SEPARATORS, key=line.count)
    try:
        names = next(csv.reader([line.strip("\r\n")], delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise RefusedError(f"its first line is damaged ({said(error)})") from None
    names = [name.strip() for name in names]
    if len(names) > _MOST_COLUMNS:
        raise RefusedError(f"it has {len(names):,} columns, the limit is {_MOST_COLUMNS:,}")
    return tuple(names), separator


def _values(row: list[str], names: tuple[str, ...], places: list[int], files: str, line: int) -> list[str]:
    if len(row) != len(names):
        raise RefusedError(f"line {line} has {len(row)} values, and there are {len(names)} columns")
    values = [row[place].strip() for place in places]
    for place, value in zip(places, values, strict=True):
        try:
            _check_value(value, names[place] == files)
        except RefusedError as refusal:
            where = f"line {line}, column '{display_name(names[place])}'"
            raise RefusedError(f"{where}: {refusal}") from None
    return values


def _check_value(value: str, is_file: bool) -> None:
    if len(value) > MAX_CELL_CHARS:
        raise RefusedError(f"it has {len(value):,} characters, the limit is {MAX_CELL_CHARS:,}")
    if _FORMULA.match(value):
        raise RefusedError(f"'{display_name(value[:40])}' is a formula")
    if _CONTROL.search(value):
        raise RefusedError(f"'{display_name(value[:40])}' holds control characters")
    if is_file and _TRICKY.search(value):
        check_member_name(value)
