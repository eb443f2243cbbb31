"""Makes the matrix page: the table as it is read, and beside it, as data, what a cell's panel shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from pipelines.matrix.document import Cell, Matrix, Number, Quantity, Status
from pipelines.matrix.figures import column_name, figure, interval, spread
from pipelines.matrix.panels import panels
from pipelines.page.scrub import scrub_text
from pipelines.page.shell import Shell
from pipelines.page.svg import element
from pipelines.page.wording import plural

_TEMPLATES = Path(__file__).with_name("templates")
_SHADES = 9
# Of the key that shows how a cell is read.
_SAMPLE = Number(value=0.03, by_seed={"0": 0.03}, low=0.016, high=0.056)
_STATES: tuple[Status, ...] = ("whole", "part", "failed", "refused", "excluded", "waiting")


def render(matrix: Matrix) -> str:
    """Return the page of a matrix: one file, which is whole without its script too."""
    grid = {(cell.row, cell.column): cell for cell in matrix.cells}
    states = Counter(cell.status for cell in matrix.cells)
    return _shell().render(
        "matrix",
        matrix=matrix,
        lines=[(row, [grid[row.id, column.id] for column in matrix.columns]) for row in matrix.rows],
        groups=[
            (data, len(list(mine)))
            for data, mine in groupby(matrix.columns, lambda each: each.data_title or each.data)
        ],
        states=[(state, states[state]) for state in _STATES if states[state]],
        remarks=_remarks(matrix),
        data=htmlsafe_json_dumps(panels(matrix), separators=(",", ":")),
    )


@lru_cache(maxsize=1)
def _shell() -> Shell:
    filters: dict[str, Callable[..., Any]] = {
        "scrubbed": scrub_text,
        "column_name": column_name,
        "figure": figure,
        "range": _range,
        "heat": _heat,
        "spark": _spark,
        "seeds": _seeds,
        "when": _when,
    }
    return Shell(_TEMPLATES, filters, {"sample": _SAMPLE})


def _range(number: Number, quantity: Quantity) -> str:
    """Return the interval of a number, and where it has none the spread over its seeds."""
    return interval(number, quantity.unit) or spread(number, quantity.unit)


def _seeds(cell: Cell) -> int:
    """Return with how many seeds a cell was measured."""
    return max((len(number.by_seed) for number in cell.numbers.values()), default=0)


def _when(made: str) -> str:
    """Return a time in ISO 8601 as the pages write it; as it is, where it is none."""
    try:
        return f"{datetime.fromisoformat(made):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return made


def _heat(number: Number | None, quantity: Quantity) -> int:
    """Return how far a share is from the defender's end, 0 to 9."""
    if number is None or quantity.unit != "share":
        return 0
    far = 1 - number.value if quantity.better == "high" else number.value
    return round(_SHADES * min(1.0, max(0.0, far)))


def _spark(number: Number | None, quantity: Quantity) -> Markup:
    """Draw a share between 0 and 1: its interval, and itself."""
    if number is None or quantity.unit != "share":
        return Markup("")
    parts = [element("path", d="M0 4H100", class_="rail")]
    if number.low is not None and number.high is not None:
        parts.append(element("path", d=f"M{number.low * 100:.1f} 4H{number.high * 100:.1f}", class_="span"))
    parts.append(element("path", d=f"M{number.value * 100:.1f} 4h0", class_="dot"))
    return element(
        "svg", *parts, class_="spark k-0", viewBox="0 0 100 8", preserveAspectRatio="none", aria_hidden="true"
    )


def _remarks(matrix: Matrix) -> list[dict[str, Any]]:
    """Return what is to be known of single cells, in the order of the table."""
    rows = {row.id: row for row in matrix.rows}
    columns = {column.id: column for column in matrix.columns}
    return [
        {"row": rows[cell.row], "column": columns[cell.column], "said": said}
        for cell in matrix.cells
        if (said := _said(cell, len(matrix.seeds)))
    ]


def _said(cell: Cell, seeds: int) -> list[tuple[str, str]]:
    status = f"{_seeds(cell)} of {plural(seeds, 'seed')}" if cell.status == "part" else cell.status
    said = [] if cell.status == "whole" else [(status, cell.why)]
    said += [("hatched", why) for why in cell.hatched]
    return said + [("unreliable", why) for why in cell.unreliable]
