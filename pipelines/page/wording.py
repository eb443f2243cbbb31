"""How the pages write numbers, and the tones in which they judge.

No measuring and no markup here.
"""

# ruff: noqa: RUF002  a page for people has dashes between numbers

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

Tone = Literal["good", "warn", "bad"]
RateDict = Mapping[str, Any]

NOT_MEASURED = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as a percentage; never rounded to 0 or 100 when it is not.

    Below zero one digit that counts is shown: `more than −0.1%` would say nothing to anybody.

    >>> percent(0.8125), percent(0.0001), percent(-0.01), percent(-0.0003), percent(None)
    ('81.2%', '<0.1%', '−1.0%', '−0.03%', '–')
    """
    if value is None:
        return NOT_MEASURED
    step, size = 10.0**-digits, abs(value) * 100
    if value < 0:
        return f"−{size:.{_digits_that_count(size, digits)}f}%"
    if 0 < size < step / 2:
        return f"<{step:.{digits}f}%"
    if 100 - step / 2 <= size < 100:
        return f">{100 - step:.{digits}f}%"
    return f"{size:.{digits}f}%"


def _digits_that_count(size: float, digits: int) -> int:
    """Return how many digits a small number needs to be told from 0; `digits` at the least."""
    return max(digits, -math.floor(math.log10(size))) if size < 10.0**-digits / 2 else digits


def interval(rate: RateDict | None) -> str:
    """Return the bounds of a rate, e.g. `79.5–82.8%`; empty if it was not measured."""
    if rate is None or rate["value"] is None:
        return ""
    return f"{rate['low'] * 100:.1f}–{rate['high'] * 100:.1f}%"


def counted(rate: RateDict | None) -> str:
    """Return what a rate counts, e.g. `23 of 26`."""
    return f"{rate['successes']:,} of {rate['total']:,}" if rate else ""


def number(value: float | None, digits: int = 3) -> str:
    """Return a plain number, or a dash if there is none."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def duration(seconds: float | None) -> str:
    """Return a time a person can read.

    >>> duration(0.42), duration(7.31), duration(185)
    ('0.4 s', '7.3 s', '3 min 05 s')
    """
    if seconds is None:
        return NOT_MEASURED
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def plural(count: int, one: str, many: str = "") -> str:
    """Return the count with its noun.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
