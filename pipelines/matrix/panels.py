"""What the page's script knows of a matrix: the values it sorts by, and the words of each cell's panel.

Every text is made fit to be shown, and every number is written here: the script writes none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from boomerang.config import Strict
from pipelines.matrix.document import Cell, Column, Matrix, Number, Quantity, RunCard
from pipelines.matrix.figures import column_name, counted, difference, figure, interval, spread
from pipelines.page.scrub import scrub, scrub_text
from pipelines.page.wording import duration

Plain = dict[str, Any]


def panels(matrix: Matrix) -> Plain:
    """Return rows, columns and quantities, and `cells`: a list a row, of one entry a column.

    `pictures` are the addresses of all of them, each once: runs name them by their places.
    """
    grid = {(cell.row, cell.column): cell for cell in matrix.cells}
    runs = [run for cell in matrix.cells for run in cell.runs]
    sources = {picture.source: None for run in runs for picture in run.pictures}
    places = {source: place for place, source in enumerate(sources)}
    return {
        "quantities": _some(matrix.quantities, "title", "words", "unit", "better"),
        "rows": _some(matrix.rows, "title", "words", "control"),
        "columns": [_column(column) for column in matrix.columns],
        "cells": [
            [_cell(grid[row.id, column.id], matrix, places) for column in matrix.columns]
            for row in matrix.rows
        ],
        "pictures": list(sources),
    }


def _some(parts: Iterable[Strict], *names: str) -> list[Plain]:
    """Return these fields of each part."""
    return [scrub(part.model_dump(include=set(names))) for part in parts]


def _column(column: Column) -> Plain:
    return {
        "title": scrub_text(column_name(column)),
        "data": scrub_text(column.data_title or column.data),
        "attack": scrub_text(column.attack),
        "clean": column.clean,
    }


def _cell(cell: Cell, matrix: Matrix, places: Mapping[str, int]) -> Plain:
    return {
        "status": cell.status,
        "why": scrub_text(cell.why),
        "hatched": scrub(cell.hatched),
        "unreliable": scrub(cell.unreliable),
        "threshold": scrub_text(cell.threshold),
        "numbers": [_number(cell.numbers.get(each.key), each) for each in matrix.quantities],
        "runs": [_run(run, places) for run in cell.runs],
    }


def _number(number: Number | None, quantity: Quantity) -> Plain | None:
    if number is None:
        return None
    unit = quantity.unit
    return {
        "value": number.value,
        "text": figure(number.value, unit),
        "interval": interval(number, unit),
        "low": number.low,
        "high": number.high,
        "counted": counted(number),
        "spread": spread(number, unit),
        "seeds": [[scrub_text(seed), value, figure(value, unit)] for seed, value in number.by_seed.items()],
        "difference": difference(number.difference, unit),
    }


def _run(run: RunCard, places: Mapping[str, int]) -> Plain:
    """Return a run's card; its pictures are as they are, and its report is a path, whatever it says."""
    return {
        **scrub(run.model_dump(exclude={"pictures", "report", "seconds"})),
        "took": duration(run.seconds) if run.seconds else "",
        "report": quote(run.report, safe="/._-~"),
        "pictures": [[scrub_text(picture.words), places[picture.source]] for picture in run.pictures],
    }
