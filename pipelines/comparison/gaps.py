"""A number of both sides with its difference and the interval of it, and how all that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boomerang.scoring import Rate, difference
from pipelines.matrix.figures import between, figure, step, step_range
from pipelines.page.wording import NOT_MEASURED, Tone

Unit = Literal["share", "s", "MB", "dB", "rows", ""]
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
    """The second's number less the first's, with its 95% interval, where it has one.

    Attributes
    ----------
    value : float
    low, high : float or None
    paired : bool
        Whether both sides answered the same images, and the interval is one for pairs.
    """

    value: float
    low: float | None = None
    high: float | None = None
    paired: bool = False

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
    """Return a number with its unit; a dash where it was not measured."""
    return NOT_MEASURED if number is None else figure(number.value, unit)


def say_between(number: Value | None, unit: Unit) -> str:
    """Return the interval of a number; empty where there is none."""
    if number is None or number.low is None or number.high is None:
        return ""
    return between(number.low, number.high, unit)


def say_gap(gap: Gap | None, unit: Unit) -> str:
    """Return a difference; a dash where there is none."""
    return NOT_MEASURED if gap is None else step(gap.value, unit)


def say_reach(gap: Gap | None, unit: Unit) -> str:
    """Return the interval of a difference; empty where there is none."""
    if gap is None or gap.low is None or gap.high is None:
        return ""
    return step_range(gap.low, gap.high, unit)
