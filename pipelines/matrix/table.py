"""The matrix as a table for spreadsheets: one line a cell, with the numbers of `matrix.json`."""

from __future__ import annotations

import csv
from io import StringIO

from pipelines.matrix.document import Cell, Column, Matrix, Number, Row
from pipelines.page.scrub import scrub_text

_ABOUT = (
    *("data", "attack", "rate", "column", "clean", "row", "defense", "control"),
    *("status", "why", "hatched", "unreliable", "threshold", "seeds"),
)
# Of each quantity: the first column has its own name.
_PARTS = (
    *("", "_low", "_high", "_least", "_most", "_seeds"),
    *("_difference", "_difference_low", "_difference_high", "_difference_least", "_difference_most"),
)
# How a spreadsheet tells a formula from text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_Value = str | float | None


def csv_text(matrix: Matrix) -> str:
    """Return the table: a header, and one line a cell, row by row.

    A number that is not there is empty. Text that a spreadsheet would take for a formula has a `'` before it.
    """
    rows = {row.id: row for row in matrix.rows}
    columns = {column.id: column for column in matrix.columns}
    keys = [quantity.key for quantity in matrix.quantities]
    stream = StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow([*_ABOUT, *(f"{key}{part}" for key in keys for part in _PARTS)])
    for cell in matrix.cells:
        numbers = (value for key in keys for value in _number(cell.numbers.get(key)))
        lines.writerow(map(_safe, [*_about(cell, rows[cell.row], columns[cell.column]), *numbers]))
    return stream.getvalue()


def _about(cell: Cell, row: Row, column: Column) -> list[_Value]:
    measured = {seed for number in cell.numbers.values() for seed in number.by_seed}
    return [
        *(column.data, column.attack, column.rate, column.title, _yes(column.clean)),
        *(row.id, row.title, _yes(row.control)),
        *(cell.status, cell.why, "; ".join(cell.hatched), "; ".join(cell.unreliable), cell.threshold),
        len(measured),
    ]


def _number(number: Number | None) -> list[_Value]:
    if number is None:
        return [None] * len(_PARTS)
    gap = number.difference
    differences = (gap.value, gap.low, gap.high, gap.least, gap.most) if gap else (None,) * 5
    seeds = len(number.by_seed)
    return [number.value, number.low, number.high, number.least, number.most, seeds, *differences]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _safe(value: _Value) -> _Value:
    """Return a value that is data to a spreadsheet; numbers are, whatever their sign."""
    if not isinstance(value, str):
        return value
    text = scrub_text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
