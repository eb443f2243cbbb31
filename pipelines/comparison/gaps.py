"""A number of both sides with its difference and the interval of it, and how all that is written."""

# ruff: noqa: RUF002  a page for people has dashes between numbers

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boomerang.metrics import Rate, difference
from pipelines.page.wording import NOT_MEASURED, Tone, percent

Unit = Literal["share", "s", "MB", "rows", ""]
Better = Literal["low", "high", "neither"]

SAME = "cannot be told apart"


@dataclass(frozen=True)
class Value:
    """A number with its 95% interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Gap:
    """The second's number less the first's, with its 95% interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def told(self) -> bool:
        """Whether the two can be told apart: the interval does not hold 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Line:
    """A number of both sides.

    Attributes
    ----------
    title : str
    better : {'low', 'high', 'neither'}
        Which way is the defender's.
    old, new : Value or None
        None where it was not measured.
    gap : Gap or None
        None where one of them was not measured.
    unit : str
        As of `pipelines.matrix.document.Quantity`.
    """

    title: str
    better: Better
    old: Value | None
    new: Value | None
    gap: Gap | None
    unit: Unit = "share"

    @property
    def word(self) -> str:
        """What the difference comes to; empty where there is none, or none with an interval."""
        if self.gap is None or self.gap.low is None:
            return ""
        return ("higher" if self.gap.value > 0 else "lower") if self.gap.told else SAME

    @property
    def tone(self) -> Tone | None:
        """Whether it is better or worse for the defender; None where that cannot be said."""
        if self.gap is None or not self.gap.told or self.better == "neither":
            return None
        return "good" if (self.gap.value > 0) == (self.better == "high") else "bad"


def rate_value(rate: Rate | None) -> Value | None:
    """Return a rate as a value; None where it was not measured."""
    return None if rate is None or rate.value is None else Value(rate.value, rate.low, rate.high)


def rate_gap(old: Rate | None, new: Rate | None) -> Gap | None:
    """Return the difference of two rates, each counted on cases of its own; None where one is missing."""
    if old is None or new is None or old.value is None or new.value is None:
        return None
    return Gap(*difference(new, old))


def say_value(number: Value | None, unit: Unit) -> str:
    """Return a number with its unit.

    >>> say_value(Value(0.8125), "share"), say_value(Value(1200), "rows"), say_value(None, "s")
    ('81.2%', '1,200', '–')
    """
    if number is None:
        return NOT_MEASURED
    return percent(number.value) if unit == "share" else f"{_plain(number.value, unit)}{_UNITS[unit]}"


def say_between(number: Value | None, unit: Unit) -> str:
    """Return the interval of a number, e.g. `79.5–82.8%`; empty where there is none."""
    if number is None or number.low is None or number.high is None:
        return ""
    if unit == "share":
        return f"{100 * number.low:.1f}–{100 * number.high:.1f}%"
    return f"{_plain(number.low, unit)}–{_plain(number.high, unit)}{_UNITS[unit]}"


def say_gap(gap: Gap | None, unit: Unit) -> str:
    """Return a difference: of shares in points, a hundredth of the whole each.

    >>> say_gap(Gap(-0.021), "share"), say_gap(Gap(0.25), "")
    ('−2.1 points', '+0.250')
    """
    if gap is None:
        return NOT_MEASURED
    return f"{_signed(gap.value, unit)}{' points' if unit == 'share' else _UNITS[unit]}"


def say_reach(gap: Gap | None, unit: Unit) -> str:
    """Return the interval of a difference, e.g. `−3.0 to −1.2`; empty where there is none."""
    if gap is None or gap.low is None or gap.high is None:
        return ""
    return f"{_signed(gap.low, unit)} to {_signed(gap.high, unit)}"


_UNITS = {"share": "", "s": " s", "MB": " MB", "rows": "", "": ""}
_DIGITS = {"share": 1, "s": 1, "MB": 0, "rows": 0, "": 3}


def _plain(value: float, unit: Unit) -> str:
    return f"{value:,.{_DIGITS[unit]}f}"


def _signed(value: float, unit: Unit) -> str:
    digits = _plain(abs(value) * (100 if unit == "share" else 1), unit)
    none = not float(digits.replace(",", ""))
    return digits if none else f"{'−' if value < 0 else '+'}{digits}"
