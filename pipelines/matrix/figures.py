"""What a matrix holds in words: a value, its range and how far it is from another, each in its unit."""

# ruff: noqa: RUF002  a page for people has dashes between numbers and minus signs

from __future__ import annotations

from collections.abc import Callable

from pipelines.matrix.document import Column, Difference, Number
from pipelines.page import wording


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


_VALUES: dict[str, Callable[[float], str]] = {
    "share": wording.percent,
    "s": wording.duration,
    "MB": lambda value: f"{value:,.0f} MB",
    "dB": lambda value: f"{value:.1f} dB",
    "rows": _count,
    "": lambda value: wording.number(value, 2),
}
# Without the unit, which a range names once, at its end.
_BARE: dict[str, Callable[[float], str]] = {
    "share": lambda value: f"{value * 100:.1f}",
    "s": lambda value: f"{value:,.1f}",
    "MB": lambda value: f"{value:,.0f}",
    "dB": lambda value: f"{value:.1f}",
    "rows": _count,
    "": lambda value: f"{value:.2f}",
}
_UNITS = {"share": "%", "s": " s", "MB": " MB", "dB": " dB", "rows": "", "": ""}
# A share less a share is no share.
_STEPS = {**_UNITS, "share": " points", "rows": " rows"}


def column_name(column: Column) -> str:
    """Return what a column is called below the name of its data."""
    return column.title.removeprefix(f"{column.data_title}: ")


def figure(value: float, unit: str) -> str:
    """Return a value with its unit.

    >>> figure(0.0312, "share"), figure(182.5, "s"), figure(1480, "MB"), figure(0.966, "")
    ('3.1%', '3 min 02 s', '1,480 MB', '0.97')
    """
    return _VALUES[unit](value).replace("-", "−")


def between(low: float, high: float, unit: str, mark: str = "–") -> str:
    """Return a range.

    >>> between(0.016, 0.0561, "share"), between(0.95, 0.99, "", "…")
    ('1.6–5.6%', '0.95…0.99')
    """
    bare = _BARE[unit]
    return f"{bare(low)}{mark}{bare(high)}{_UNITS[unit]}".replace("-", "−")


def interval(number: Number, unit: str) -> str:
    """Return the 95% interval of a number; empty where it has none."""
    if number.low is None or number.high is None:
        return ""
    return between(number.low, number.high, unit)


def spread(number: Number, unit: str) -> str:
    """Return the least and the greatest value of a seed; empty where they are one."""
    return between(number.least, number.most, unit, "…") if number.least != number.most else ""


def counted(number: Number) -> str:
    """Return what a share counts over all seeds, e.g. `28 of 930`; empty where it counts nothing."""
    if number.successes is None or number.total is None:
        return ""
    return wording.counted({"successes": number.successes, "total": number.total})


def step(value: float, unit: str) -> str:
    """Return a difference with its sign; one that is written as 0 has none.

    >>> step(-0.942, "share"), step(0.002, "share"), step(12, "rows"), step(-0.0001, "share")
    ('−94.2 points', '+0.2 points', '+12 rows', '0.0 points')
    """
    return _signed(value, unit) + _STEPS[unit]


def step_range(low: float, high: float, unit: str) -> str:
    """Return the range of a difference.

    >>> step_range(-0.961, -0.92, "share")
    '−96.1 to −92.0 points'
    """
    return f"{_signed(low, unit)} to {_signed(high, unit)}{_STEPS[unit]}"


def _signed(value: float, unit: str) -> str:
    size = _BARE[unit](abs(value))
    if not size.strip("0.,"):
        return size
    return f"{'−' if value < 0 else '+'}{size}"


def difference(found: Difference | None, unit: str) -> dict[str, str] | None:
    """Return a difference, its interval and its spread over the seeds in words; None where there is none."""
    if found is None:
        return None
    wide = found.least != found.most
    return {
        "text": step(found.value, unit),
        "interval": ""
        if found.low is None or found.high is None
        else step_range(found.low, found.high, unit),
        "spread": step_range(found.least, found.most, unit) if wide else "",
    }
